package org.facerecognition.gallery;

import java.util.Arrays;
import org.facerecognition.natives.ParallelStreams;

/**
 * A growing array of integers. One thread adds and changes values; any thread may read those that were written before
 * that thread published their number. A small column is one short array; a long one consists of chunks, so that growing
 * copies nothing.
 */
final class IntColumn {
    private static final int CHUNK_BITS = 16;
    private static final int CHUNK = 1 << CHUNK_BITS;

    private volatile int[][] chunks = {new int[16]};

    /** Makes room for a total number of values. */
    void reserve(int count) {
        int[][] old = chunks;
        int first = old[0].length;
        if (count <= first || first == CHUNK && count <= (long) old.length << CHUNK_BITS) {
            return;
        }
        int[][] more = Arrays.copyOf(old, Math.max(1, (count + CHUNK - 1) >>> CHUNK_BITS));
        if (first < CHUNK) {
            more[0] = Arrays.copyOf(old[0], Math.min(CHUNK, Math.max(count, 2 * first)));
        }
        ParallelStreams.forEach(old.length, more.length, i -> more[i] = new int[CHUNK]);
        chunks = more;
    }

    int get(int index) {
        return chunks[index >>> CHUNK_BITS][index & CHUNK - 1];
    }

    /** Writes a value, for which there must be room. */
    void set(int index, int value) {
        chunks[index >>> CHUNK_BITS][index & CHUNK - 1] = value;
    }

    /** Writes a value, and makes room for it. */
    void put(int index, int value) {
        int chunk = index >>> CHUNK_BITS;
        int[][] all = chunks;
        if (chunk >= all.length || (index & CHUNK - 1) >= all[chunk].length) {
            reserve(index + 1);
            all = chunks;
        }
        all[chunk][index & CHUNK - 1] = value;
    }
}
