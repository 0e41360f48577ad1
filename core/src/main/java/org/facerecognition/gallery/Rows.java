package org.facerecognition.gallery;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * What each row of {@link Vectors} is: entry, identity, note, and whether it was removed. One thread changes it; {@link View}
 * is how it was at a moment, for any thread.
 */
/*
 * A view costs nothing to take: nothing is copied but references. Rows are only added at the end, which a view of fewer rows
 * does not see. A removal writes the number of that removal beside the row, which a view taken before, knowing lower numbers
 * only, takes for "not removed". When an array becomes too short a longer one takes its place, and former views keep the
 * former one. So a reader sees all of a change or nothing, and waits for nobody.
 */
final class Rows {
    /** Most rows, live and removed ones, between two compactions. */
    static final int MOST = 1 << 30;

    private static final int NEVER = Integer.MAX_VALUE;
    private static final int NONE = -1;

    private final Map<String, Integer> groupOf = new HashMap<>();
    private long[] entries = new long[16]; // ascending
    private int[] groups = new int[16];
    private int[] removals = new int[16];
    private int[] former = new int[16]; // the group's row before this one
    private @Nullable String[] notes = new String[16];
    private String[] names = new String[16]; // by group
    private int[] lastRow = new int[16]; // by group
    private int[] liveRows = new int[16]; // by group
    private int count;
    private int removal;
    private int live;
    private int liveGroups;

    /**
     * The rows as they were at one moment.
     *
     * @param rows so many there were, live and removed
     * @param live entries
     * @param liveGroups identities with a live entry
     * @param groupCount identities that there ever were
     */
    record View(
            int rows,
            int removal,
            int live,
            int liveGroups,
            int groupCount,
            long[] entries,
            int[] groups,
            int[] removals,
            @Nullable String[] notes,
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

        Entry entry(int row) {
            return new Entry(entries[row], names[groups[row]], notes[row]);
        }

        Match match(Hit hit) {
            int row = hit.row();
            return new Match(names[groups[row]], entries[row], hit.cosine(), notes[row]);
        }
    }

    View view() {
        return new View(count, removal, live, liveGroups, groupOf.size(), entries, groups, removals, notes, names);
    }

    int count() {
        return count;
    }

    /** @return the new row */
    int add(long entry, String identity, @Nullable String note) {
        if (count == entries.length) {
            int length = count * 2;
            entries = Arrays.copyOf(entries, length);
            groups = Arrays.copyOf(groups, length);
            removals = Arrays.copyOf(removals, length);
            former = Arrays.copyOf(former, length);
            notes = Arrays.copyOf(notes, length);
        }
        int row = count;
        int group = group(identity);
        entries[row] = entry;
        groups[row] = group;
        removals[row] = NEVER;
        former[row] = lastRow[group];
        notes[row] = note;
        lastRow[group] = row;
        count++;
        live++;
        if (liveRows[group]++ == 0) {
            liveGroups++;
        }
        return row;
    }

    private int group(String identity) {
        Integer known = groupOf.get(identity);
        if (known != null) {
            return known;
        }
        int group = groupOf.size();
        if (group == names.length) {
            names = Arrays.copyOf(names, group * 2);
            lastRow = Arrays.copyOf(lastRow, group * 2);
            liveRows = Arrays.copyOf(liveRows, group * 2);
        }
        names[group] = identity;
        lastRow[group] = NONE;
        groupOf.put(identity, group);
        return group;
    }

    /** Whether there is such an entry, and it is not removed. */
    boolean has(long entry) {
        int row = row(entry);
        return row >= 0 && removals[row] == NEVER;
    }

    /** How many entries an identity has. */
    int size(String identity) {
        Integer group = groupOf.get(identity);
        return group == null ? 0 : liveRows[group];
    }

    void remove(long entry) {
        if (has(entry)) {
            removal++;
            remove(row(entry), removal);
        }
    }

    /** All its entries at one stroke. */
    void remove(String identity) {
        Integer group = groupOf.get(identity);
        if (group == null) {
            return;
        }
        removal++;
        for (int row = lastRow[group]; row != NONE; row = former[row]) {
            if (removals[row] == NEVER) {
                remove(row, removal);
            }
        }
        lastRow[group] = NONE;
    }

    private void remove(int row, int number) {
        removals[row] = number;
        live--;
        if (--liveRows[groups[row]] == 0) {
            liveGroups--;
        }
    }

    private int row(long entry) {
        return Arrays.binarySearch(entries, 0, count, entry);
    }
}
