package org.facerecognition.data;

/**
 * The division of an epoch's samples into batches, and of each batch among processes.
 *
 * @param samples number of samples in an epoch, at least 1
 * @param batchSize number of samples in every batch but the last
 * @param joinsLastOne whether a single last sample joins the batch before it
 * @param share of this process in every batch
 */
record BatchPlan(int samples, int batchSize, boolean joinsLastOne, BatchShare share) {
    BatchPlan(int samples, int batchSize, boolean joinsLastOne) {
        this(samples, batchSize, joinsLastOne, BatchShare.WHOLE);
    }

    int batches() {
        return (samples - 1) / batchSize + 1 - (lastOneJoins() ? 1 : 0);
    }

    /** Returns whether the last batch has one sample more than the others, which would otherwise be alone. */
    boolean lastOneJoins() {
        return joinsLastOne && batchSize > 1 && samples > 1 && samples % batchSize == 1;
    }

    /** Returns the largest number of samples that this process reads for a batch. */
    int largestBatch() {
        return share.largest(Math.min(samples, batchSize + (lastOneJoins() ? 1 : 0)));
    }

    /** Returns the size of the smallest batch: that of the last one or, if that has one sample more, of all others. */
    int smallestBatch() {
        return Math.min(batchSize, samples - start(batches() - 1));
    }

    /** Returns the smallest number of samples that any process reads for a batch, at least 1. */
    int smallestShare() {
        return Math.max(1, smallestBatch() / share.of());
    }

    /** Returns the place of a batch's first sample in the order of the epoch. */
    int start(int batch) {
        return batch * batchSize;
    }

    /** Returns the place behind a batch's last sample in the order of the epoch. */
    int end(int batch) {
        return batch == batches() - 1 ? samples : (batch + 1) * batchSize;
    }

    /** Returns the number of samples of a batch, those of all processes. */
    int size(int batch) {
        return end(batch) - start(batch);
    }

    /** Returns the place of this process's first sample of a batch; the last sample if all are other processes'. */
    int shareStart(int batch) {
        return Math.min(start(batch) + share.start(size(batch), share.rank()), end(batch) - 1);
    }

    /** Returns the place behind this process's last sample of a batch. It always reads at least one. */
    int shareEnd(int batch) {
        return Math.max(start(batch) + share.start(size(batch), share.rank() + 1), shareStart(batch) + 1);
    }
}
