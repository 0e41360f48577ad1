package org.facerecognition.gallery;

/** A growing array of long integers, with the guarantees of {@link IntColumn}. */
final class LongColumn {
    private final IntColumn high = new IntColumn();
    private final IntColumn low = new IntColumn();

    /** Makes room for a total number of values. */
    void reserve(int count) {
        high.reserve(count);
        low.reserve(count);
    }

    long get(int index) {
        return (long) high.get(index) << Integer.SIZE | Integer.toUnsignedLong(low.get(index));
    }

    /** Writes a value, and makes room for it. */
    void put(int index, long value) {
        high.put(index, (int) (value >> Integer.SIZE));
        low.put(index, (int) value);
    }

    /**
     * Searches the first values, which must be ascending.
     *
     * @return the index of the value; if it does not occur, {@code -1 - i} where {@code i} is the index at which it
     *     would be inserted
     */
    int search(long value, int count) {
        int from = 0;
        int to = count;
        while (from < to) {
            int middle = (from + to) >>> 1;
            if (get(middle) < value) {
                from = middle + 1;
            } else {
                to = middle;
            }
        }
        return from < count && get(from) == value ? from : -1 - from;
    }
}
