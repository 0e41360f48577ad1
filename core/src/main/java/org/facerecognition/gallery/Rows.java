package org.facerecognition.gallery;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * What each row of {@link Vectors} is: entry, identity, note, content key, and whether it was removed. One thread
 * changes it; {@link View} is how it was at a moment, for any thread.
 */
/*
 * A view costs nothing to take: nothing is copied but references. Rows are only added at the end, which a view of fewer
 * rows does not see. A removal writes the number of that removal beside the row, which a view taken before, knowing
 * lower numbers only, takes for "not removed". When an array becomes too short a longer one takes its place, and former
 * views keep the former one. So a reader sees all of a change or nothing, and waits for nobody.
 */
final class Rows {
    /** Most rows, live and removed ones, between two compactions. */
    static final int MAX = 1 << 30;

    private static final int NEVER = Integer.MAX_VALUE;
    private static final int NONE = -1;

    private final Map<String, Integer> groupOf = new HashMap<>(); // by the name's key
    private long[] entries = new long[16]; // ascending
    private int[] groups = new int[16];
    private int[] removals = new int[16];
    private int[] former = new int[16]; // the group's row before this one
    private @Nullable String[] notes = new String[16];
    private @Nullable String[] contentKeys = new String[16];
    private String[] names = new String[16]; // by group
    private int[] lastRow = new int[16]; // by group
    private int[] liveRows = new int[16]; // by group
    private int count;
    private int groupCount;
    private int removal;
    private int live;
    private int liveGroups;

    /**
     * The rows as they were at one moment.
     *
     * @param rows so many there were, live and removed
     * @param live entries
     * @param liveGroups identities with a live entry
     */
    record View(
            int rows,
            int removal,
            int live,
            int liveGroups,
            long[] entries,
            int[] groups,
            int[] removals,
            @Nullable String[] notes,
            @Nullable String[] contentKeys,
            String[] names) {
        boolean has(int row) {
            return row < rows && removals[row] > removal;
        }

        int group(int row) {
            return groups[row];
        }

        /** The rows that are not removed, in order. */
        int[] liveRows() {
            return IntStream.range(0, rows).filter(this::has).toArray();
        }

        /** The row of an entry that is not removed; below 0 when there is none. */
        int row(long entry) {
            int row = Arrays.binarySearch(entries, 0, rows, entry);
            return row >= 0 && has(row) ? row : NONE;
        }

        Entry entry(int row) {
            return new Entry(entries[row], names[groups[row]], notes[row], contentKeys[row]);
        }

        Match match(Hit hit) {
            int row = hit.row();
            return new Match(names[groups[row]], entries[row], hit.cosine(), notes[row]);
        }
    }

    View view() {
        return new View(count, removal, live, liveGroups, entries, groups, removals, notes, contentKeys, names);
    }

    int count() {
        return count;
    }

    /** Whether rows are there that were removed. */
    boolean hasRemoved() {
        return live < count;
    }

    /** @return the new row */
    int add(long entry, String identity, @Nullable String note, @Nullable String contentKey) {
        if (count == entries.length) {
            grow(count * 2);
        }
        int row = count;
        int group = group(identity);
        entries[row] = entry;
        groups[row] = group;
        removals[row] = NEVER;
        former[row] = lastRow[group];
        notes[row] = note;
        contentKeys[row] = contentKey;
        lastRow[group] = row;
        count++;
        live++;
        if (liveRows[group]++ == 0) {
            liveGroups++;
        }
        return row;
    }

    private void grow(int length) {
        entries = Arrays.copyOf(entries, length);
        groups = Arrays.copyOf(groups, length);
        removals = Arrays.copyOf(removals, length);
        former = Arrays.copyOf(former, length);
        notes = Arrays.copyOf(notes, length);
        contentKeys = Arrays.copyOf(contentKeys, length);
    }

    private int group(String identity) {
        String key = Names.key(identity);
        Integer known = groupOf.get(key);
        if (known != null) {
            return known;
        }
        int group = groupCount++;
        if (group == names.length) {
            names = Arrays.copyOf(names, group * 2);
            lastRow = Arrays.copyOf(lastRow, group * 2);
            liveRows = Arrays.copyOf(liveRows, group * 2);
        }
        names[group] = identity;
        lastRow[group] = NONE;
        groupOf.put(key, group);
        return group;
    }

    /** The form of a name that its rows have; the given one where it has none. */
    String shown(String identity) {
        Integer group = groupOf.get(Names.key(identity));
        return group == null || liveRows[group] == 0 ? identity : names[group];
    }

    /** The rows of an identity that are not removed, the newest first. */
    int[] of(String identity) {
        Integer group = groupOf.get(Names.key(identity));
        if (group == null) {
            return new int[0];
        }
        int[] rows = new int[liveRows[group]];
        int found = 0;
        for (int row = lastRow[group]; row != NONE; row = former[row]) {
            if (removals[row] == NEVER) {
                rows[found++] = row;
            }
        }
        return rows;
    }

    /** Marks rows that are not removed yet, at one stroke. */
    void remove(int[] removed) {
        removal++;
        for (int row : removed) {
            removals[row] = removal;
            live--;
            if (--liveRows[groups[row]] == 0) {
                liveGroups--;
            }
        }
    }

    /** Forgets notes, keys and names of removed rows, when no view from before the removal is read any more. */
    void erase(int[] removed) {
        for (int row : removed) {
            notes[row] = null;
            contentKeys[row] = null;
            int group = groups[row];
            if (liveRows[group] == 0 && !names[group].isEmpty()) {
                groupOf.remove(Names.key(names[group]));
                names[group] = "";
                lastRow[group] = NONE;
            }
        }
    }
}
