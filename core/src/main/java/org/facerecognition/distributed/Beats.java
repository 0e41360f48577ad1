package org.facerecognition.distributed;

import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * What the ranks of a group have written last, to show that they live and how far they are.
 *
 * @param values by rank; empty of one that has not written yet
 */
record Beats(List<String> values) {
    /** Stands for the rank that is waited for, where it is not a single one. */
    static final int NOBODY = -1;

    /**
     * Returns what a rank writes.
     *
     * @param beat another number each time
     * @param operations number of collective operations that it has begun
     * @param peer rank that it sends to or receives from, or {@link #NOBODY}
     */
    static String value(long beat, long operations, int peer) {
        return beat + " " + operations + " " + peer;
    }

    String of(int rank) {
        return values.get(rank);
    }

    List<Integer> sameAs(Beats before, int except) {
        return IntStream.range(0, values.size())
                .filter(i -> i != except && values.get(i).equals(before.values().get(i)))
                .boxed()
                .toList();
    }

    int slowest() {
        int slowest = 0;
        for (int i = 1; i < values.size(); i++) {
            slowest = operations(i) < operations(slowest) ? i : slowest;
        }
        return slowest;
    }

    /** Returns whether all ranks have begun as many operations. */
    boolean isEven() {
        return IntStream.range(0, values.size())
                        .mapToLong(this::operations)
                        .distinct()
                        .count()
                == 1;
    }

    /** Returns the last of ranks that wait for each other, beginning with one; this one if they wait in a circle. */
    int awaited(int rank) {
        Set<Integer> waiting = new HashSet<>();
        int last = rank;
        while (waiting.add(last)) {
            int peer = (int) number(last, 2, NOBODY);
            if (peer == NOBODY) {
                return last;
            }
            last = peer;
        }
        return rank;
    }

    private long operations(int rank) {
        return number(rank, 1, 0);
    }

    /** Returns a number that a rank has written, if it has written any. */
    private long number(int rank, int position, long missing) {
        String value = values.get(rank);
        return value.isEmpty() ? missing : Long.parseLong(value.split(" ")[position]);
    }
}
