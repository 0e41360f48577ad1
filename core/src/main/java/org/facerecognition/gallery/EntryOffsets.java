package org.facerecognition.gallery;

import java.util.Arrays;

/** The byte offset of each entry in a gallery's file. Entries are added in ascending order of their ids. */
final class EntryOffsets {
    private long[] entries = new long[16];
    private long[] offsets = new long[16];
    private int count;

    void add(long entry, long offset) {
        if (count == entries.length) {
            entries = Arrays.copyOf(entries, 2 * count);
            offsets = Arrays.copyOf(offsets, 2 * count);
        }
        entries[count] = entry;
        offsets[count++] = offset;
    }

    /** Returns the offset of an entry that was added. */
    long of(long entry) {
        int index = Arrays.binarySearch(entries, 0, count, entry);
        if (index < 0) {
            throw new IllegalStateException("entry " + entry + " has no offset in the file");
        }
        return offsets[index];
    }
}
