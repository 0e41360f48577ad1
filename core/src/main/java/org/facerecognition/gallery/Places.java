package org.facerecognition.gallery;

import java.util.Arrays;

/** Where each entry lies in a gallery's file. Entries are added in the order of their ids. */
final class Places {
    private long[] entries = new long[16];
    private long[] places = new long[16];
    private int count;

    void add(long entry, long place) {
        if (count == entries.length) {
            entries = Arrays.copyOf(entries, 2 * count);
            places = Arrays.copyOf(places, 2 * count);
        }
        entries[count] = entry;
        places[count++] = place;
    }

    /** The place of an entry that was added. */
    long of(long entry) {
        int at = Arrays.binarySearch(entries, 0, count, entry);
        if (at < 0) {
            throw new IllegalStateException("entry " + entry + " has no place in the file");
        }
        return places[at];
    }
}
