package org.facerecognition.gallery;

import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * The rows of a gallery: entry id, identity, content key, and whether the row was removed. One thread changes it; a
 * {@link View} is a consistent snapshot for any thread.
 *
 * <p>Rows of one identity form a group; groups are numbered from 0. Texts are kept by {@link RowTexts}.
 */
/*
 * Taking a view copies only counts. Rows are only added at the end, which a view of fewer rows does not see. A removal
 * writes its sequence number beside the row; an earlier view, which knows only lower numbers, regards the row as not
 * removed. So a reader sees either all of a change or nothing of it, and never waits.
 */
final class Rows {
    /** The maximum number of rows between two compactions, live and removed ones. */
    static final int MAX = 1 << 30;

    private static final int NEVER = Integer.MAX_VALUE;
    private static final int NONE = -1;

    private final RowTexts texts;
    private final LongColumn entries = new LongColumn(); // ascending
    private final IntColumn groups = new IntColumn();
    private final IntColumn removals = new IntColumn();
    private final IntColumn previous = new IntColumn(); // the previous row of the same group
    private final IntColumn keyHashes = new IntColumn(); // of content keys, compared only if these are equal
    private final IntColumn lastRow = new IntColumn(); // by group
    private final IntColumn liveRows = new IntColumn(); // by group
    private int count;
    private int groupCount;
    private int removal; // sequence number of the latest removal
    private int live;
    private int liveGroups;

    Rows(RowTexts texts) {
        this.texts = texts;
    }

    /**
     * A snapshot of the rows.
     *
     * @param all rows, those added later included
     * @param rows number of rows, live and removed
     * @param removal sequence number of the latest removal
     * @param live number of live entries
     * @param liveGroups number of identities with a live entry
     */
    record View(Rows all, int rows, int removal, int live, int liveGroups) {
        /** Returns whether a row exists and is not removed. */
        boolean has(int row) {
            return row < rows && all.removals.get(row) > removal;
        }

        /** Returns the group of a row; negative if the row was erased before the gallery was opened. */
        int group(int row) {
            return all.groups.get(row);
        }

        /** Returns the id of a row's entry. */
        long id(int row) {
            return all.entries.get(row);
        }

        /** Returns the rows that are not removed, in order. */
        int[] liveRows() {
            return IntStream.range(0, rows).filter(this::has).toArray();
        }

        /** Returns the row of an entry that is not removed; negative if there is none. */
        int row(long entry) {
            int row = all.entries.search(entry, rows);
            return row >= 0 && has(row) ? row : NONE;
        }

        /** Returns the rows after an entry that are not removed, in order, and at most so many. */
        int[] rowsAfter(long entry, int limit) {
            int at = all.entries.search(entry, rows);
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
                    .filter(row -> Arrays.binarySearch(hashes, all.keyHashes.get(row)) >= 0)
                    .filter(row -> has(row) && hasOneOf(wanted, row))
                    .toArray();
        }

        /** Returns the rows of wanted entries without a content key that are not removed, in order. */
        int[] rowsWithoutKey(Predicate<Entry> wanted) {
            return IntStream.range(0, rows)
                    .filter(row -> all.keyHashes.get(row) == 0 && has(row))
                    .filter(row -> {
                        Entry entry = entry(row);
                        return entry != null
                                && entry.contentKey() == null // a key's hash may be 0 too
                                && wanted.test(entry);
                    })
                    .toArray();
        }

        private boolean hasOneOf(Set<String> contentKeys, int row) {
            Entry entry = entry(row);
            return entry != null && entry.contentKey() != null && contentKeys.contains(entry.contentKey());
        }

        /** Returns a row's entry; null if another process has erased it. */
        @Nullable
        Entry entry(int row) {
            return all.texts.entry(row, id(row), group(row));
        }

        /** Returns a hit with its names; null if another process has erased the entry. */
        @Nullable
        Match match(Hit hit) {
            Entry entry = entry(hit.row());
            return entry == null ? null : new Match(entry.identity(), entry.id(), hit.cosine(), entry.note());
        }
    }

    View view() {
        return new View(this, count, removal, live, liveGroups);
    }

    int count() {
        return count;
    }

    int groupCount() {
        return groupCount;
    }

    /** Returns whether removed rows still occupy memory. */
    boolean hasRemoved() {
        return live < count;
    }

    /** Makes room for a total number of rows. */
    void reserve(int rows) {
        entries.reserve(rows);
        for (IntColumn column : List.of(groups, removals, previous, keyHashes)) {
            column.reserve(rows);
        }
    }

    /** Adds a row and returns its number. */
    int add(long entry, String identity, @Nullable String note, @Nullable String contentKey) {
        int group = group(identity);
        texts.rowAdded(count, note, contentKey);
        return add(entry, group, contentKey == null ? 0 : contentKey.hashCode());
    }

    /** Adds a row of a group that exists, whose texts are kept already. */
    int add(long entry, int group, int keyHash) {
        int row = count;
        entries.put(row, entry);
        groups.put(row, group);
        removals.put(row, NEVER);
        previous.put(row, lastRow.get(group));
        keyHashes.put(row, keyHash);
        lastRow.set(group, row);
        count++;
        live++;
        liveRows.set(group, liveRows.get(group) + 1);
        if (liveRows.get(group) == 1) {
            liveGroups++;
        }
        return row;
    }

    /** Adds a row that was erased before the gallery was opened, and of which only the id is left. */
    void addErased(long entry) {
        entries.put(count, entry);
        groups.put(count, NONE);
        removals.put(count, 0);
        previous.put(count, NONE);
        keyHashes.put(count, 0);
        count++;
    }

    /** Returns the hash of a row's content key; 0 if it has none. */
    int keyHash(int row) {
        return keyHashes.get(row);
    }

    int groupOf(int row) {
        return groups.get(row);
    }

    private int group(String identity) {
        String key = Names.key(identity);
        int known = texts.group(key, this::rowOf);
        if (known != RowTexts.NO_GROUP) {
            return known;
        }
        texts.groupAdded(groupCount, key, identity);
        return addGroup();
    }

    /** Adds a group without rows and returns its number. */
    int addGroup() {
        lastRow.put(groupCount, NONE);
        liveRows.put(groupCount, 0);
        return groupCount++;
    }

    /** Returns whether a group has rows that are not removed. */
    boolean isLive(int group) {
        return liveRows.get(group) > 0;
    }

    /** Returns the newest row of a group that is not removed; negative if there is none. */
    private int rowOf(int group) {
        int row = lastRow.get(group);
        while (row != NONE && removals.get(row) != NEVER) {
            row = previous.get(row);
        }
        return row;
    }

    /**
     * Returns the form of a name in which its entries are stored; the given form if it has no entries.
     *
     * @param key of the name
     */
    String storedName(String key, String identity) {
        int group = texts.group(key, this::rowOf);
        int row = group == RowTexts.NO_GROUP ? NONE : rowOf(group);
        Entry entry = row == NONE ? null : texts.entry(row, entries.get(row), group);
        return entry == null ? identity : entry.identity();
    }

    /** Returns the rows of an identity that are not removed, the newest first. */
    int[] of(String identity) {
        int group = texts.group(Names.key(identity), this::rowOf);
        if (group == RowTexts.NO_GROUP) {
            return new int[0];
        }
        int[] rows = new int[liveRows.get(group)];
        int found = 0;
        for (int row = lastRow.get(group); row != NONE; row = previous.get(row)) {
            if (removals.get(row) == NEVER) {
                rows[found++] = row;
            }
        }
        return rows;
    }

    /** Marks rows as removed, atomically for later views. None of them may be removed already. */
    void remove(int[] removed) {
        removal++;
        for (int row : removed) {
            removals.set(row, removal);
            live--;
            int group = groups.get(row);
            liveRows.set(group, liveRows.get(group) - 1);
            if (liveRows.get(group) == 0) {
                liveGroups--;
            }
        }
    }

    /** Drops notes, keys and names of removed rows, once no view from before the removal is in use. */
    void erase(int[] removed) {
        for (int row : removed) {
            texts.eraseRow(row);
            keyHashes.set(row, 0);
            int group = groups.get(row);
            if (!isLive(group) && lastRow.get(group) != NONE) {
                texts.eraseGroup(group);
                lastRow.set(group, NONE);
            }
        }
    }
}
