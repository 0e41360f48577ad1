package org.facerecognition.gallery;

import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * The metadata of each row of {@link Vectors}: entry id, identity, note, content key, and whether the row was removed.
 * One thread changes it; a {@link View} is a consistent snapshot for any thread.
 *
 * <p>Rows of one identity form a group; groups are numbered from 0.
 */
/*
 * Taking a view copies only references. Rows are only added at the end, which a view of fewer rows does not see. A
 * removal writes its sequence number beside the row; an earlier view, which knows only lower numbers, regards the row
 * as not removed. An array that becomes too short is replaced by a longer one, and earlier views keep the old array. So
 * a reader sees either all of a change or nothing of it, and never waits.
 */
final class Rows {
    /** The maximum number of rows between two compactions, live and removed ones. */
    static final int MAX = 1 << 30;

    private static final int NEVER = Integer.MAX_VALUE;
    private static final int NONE = -1;

    private final Map<String, Integer> groupOf = new HashMap<>(); // by the name's key
    private long[] entries = new long[16]; // ascending
    private int[] groups = new int[16];
    private int[] removals = new int[16];
    private int[] previous = new int[16]; // the previous row of the same group
    private @Nullable String[] notes = new String[16];
    private @Nullable String[] contentKeys = new String[16];
    private int[] keyHashes = new int[16]; // of the content keys, which are compared only if these are equal
    private String[] names = new String[16]; // by group
    private int[] lastRow = new int[16]; // by group
    private int[] liveRows = new int[16]; // by group
    private int count;
    private int groupCount;
    private int removal; // sequence number of the latest removal
    private int live;
    private int liveGroups;

    /**
     * A snapshot of the rows.
     *
     * @param rows number of rows, live and removed
     * @param removal sequence number of the latest removal
     * @param live number of live entries
     * @param liveGroups number of identities with a live entry
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
            int[] keyHashes,
            String[] names) {
        /** Returns whether a row exists and is not removed. */
        boolean has(int row) {
            return row < rows && removals[row] > removal;
        }

        int group(int row) {
            return groups[row];
        }

        /** Returns the rows that are not removed, in order. */
        int[] liveRows() {
            return IntStream.range(0, rows).filter(this::has).toArray();
        }

        /** Returns the row of an entry that is not removed; negative if there is none. */
        int row(long entry) {
            int row = Arrays.binarySearch(entries, 0, rows, entry);
            return row >= 0 && has(row) ? row : NONE;
        }

        /** Returns the rows after an entry that are not removed, in order, and at most so many. */
        int[] rowsAfter(long entry, int limit) {
            int at = Arrays.binarySearch(entries, 0, rows, entry);
            return IntStream.range(at < 0 ? -at - 1 : at + 1, rows)
                    .filter(this::has)
                    .limit(limit)
                    .toArray();
        }

        /** Returns the last rows that are not removed, the last one first, and at most so many. */
        int[] lastRows(int limit) {
            return IntStream.range(0, rows)
                    .map(i -> rows - 1 - i)
                    .filter(this::has)
                    .limit(limit)
                    .toArray();
        }

        /** Returns the rows with one of these content keys that are not removed, in order. */
        int[] rowsWith(Collection<String> keys) {
            Set<String> wanted = Set.copyOf(keys);
            int[] hashes = wanted.stream()
                    .mapToInt(String::hashCode)
                    .sorted()
                    .distinct()
                    .toArray();
            return IntStream.range(0, rows)
                    .filter(row -> Arrays.binarySearch(hashes, keyHashes[row]) >= 0)
                    .filter(row -> has(row) && contentKeys[row] != null && wanted.contains(contentKeys[row]))
                    .toArray();
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
        return new View(
                count, removal, live, liveGroups, entries, groups, removals, notes, contentKeys, keyHashes, names);
    }

    int count() {
        return count;
    }

    /** Returns whether removed rows still occupy memory. */
    boolean hasRemoved() {
        return live < count;
    }

    /** Adds a row and returns its number. */
    int add(long entry, String identity, @Nullable String note, @Nullable String contentKey) {
        if (count == entries.length) {
            grow(count * 2);
        }
        int row = count;
        int group = group(identity);
        entries[row] = entry;
        groups[row] = group;
        removals[row] = NEVER;
        previous[row] = lastRow[group];
        notes[row] = note;
        contentKeys[row] = contentKey;
        keyHashes[row] = contentKey == null ? 0 : contentKey.hashCode();
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
        previous = Arrays.copyOf(previous, length);
        notes = Arrays.copyOf(notes, length);
        contentKeys = Arrays.copyOf(contentKeys, length);
        keyHashes = Arrays.copyOf(keyHashes, length);
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

    /**
     * Returns the form of a name in which its entries are stored; the given form if it has no entries.
     *
     * @param key of the name
     */
    String storedName(String key, String identity) {
        Integer group = groupOf.get(key);
        return group == null || liveRows[group] == 0 ? identity : names[group];
    }

    /** Returns the rows of an identity that are not removed, the newest first. */
    int[] of(String identity) {
        Integer group = groupOf.get(Names.key(identity));
        if (group == null) {
            return new int[0];
        }
        int[] rows = new int[liveRows[group]];
        int found = 0;
        for (int row = lastRow[group]; row != NONE; row = previous[row]) {
            if (removals[row] == NEVER) {
                rows[found++] = row;
            }
        }
        return rows;
    }

    /** Marks rows as removed, atomically for later views. None of them may be removed already. */
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

    /** Drops notes, keys and names of removed rows, once no view from before the removal is in use. */
    void erase(int[] removed) {
        for (int row : removed) {
            notes[row] = null;
            contentKeys[row] = null;
            keyHashes[row] = 0;
            int group = groups[row];
            if (liveRows[group] == 0 && !names[group].isEmpty()) {
                groupOf.remove(Names.key(names[group]));
                names[group] = "";
                lastRow[group] = NONE;
            }
        }
    }
}
