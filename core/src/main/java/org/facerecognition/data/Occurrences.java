package org.facerecognition.data;

import java.util.Arrays;
import java.util.BitSet;

/** How often the order of an epoch has used the sample of each place before it. */
final class Occurrences {
    private static final Occurrences NONE = new Occurrences(new int[0]);

    private final int[] before; // by place; empty if no sample is used twice

    private Occurrences(int[] before) {
        this.before = before;
    }

    /**
     * @param order numbers of samples
     * @param samples number of samples in the data set
     */
    static Occurrences in(int[] order, int samples) {
        BitSet used = new BitSet(samples);
        Arrays.stream(order).forEach(used::set);
        if (used.cardinality() == order.length) { // of millions of samples this is all that is needed
            return NONE;
        }
        int[] counts = new int[samples];
        int[] before = new int[order.length];
        Arrays.setAll(before, place -> counts[order[place]]++);
        return new Occurrences(before);
    }

    int before(int place) {
        return before.length == 0 ? 0 : before[place];
    }
}
