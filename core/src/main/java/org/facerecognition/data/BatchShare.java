package org.facerecognition.data;

/**
 * The part of every batch that one of several processes reads: consecutive samples, as many for each process as
 * possible. All parts together are the batch that a single process would read.
 *
 * @param rank number of the process, from 0
 * @param of number of processes
 */
public record BatchShare(int rank, int of) {
    /** The share of a single process. */
    public static final BatchShare WHOLE = new BatchShare(0, 1);

    /** @throws IllegalArgumentException when the rank is not in [0, of) */
    public BatchShare {
        if (of < 1 || rank < 0 || rank >= of) {
            throw new IllegalArgumentException("rank must be in [0, " + of + "), but was " + rank);
        }
    }

    /** Returns the place of a process's first sample in a batch of {@code samples}. */
    public int start(int samples, int rank) {
        return (int) ((long) samples * rank / of);
    }

    /** Returns the number of samples of a process in a batch of {@code samples}; 0 if there are too few for all. */
    public int size(int samples, int rank) {
        return start(samples, rank + 1) - start(samples, rank);
    }

    /** Returns the largest number of samples that a process has in a batch of {@code samples}. */
    public int largest(int samples) {
        return (samples - 1) / of + 1;
    }
}
