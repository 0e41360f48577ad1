package org.facerecognition.data;

/**
 * The division of an epoch's samples into batches.
 *
 * @param samples number of samples in an epoch, at least 1
 * @param batchSize number of samples in every batch but the last
 * @param joinsLastOne whether a single last sample joins the batch before it
 */
record BatchPlan(int samples, int batchSize, boolean joinsLastOne) {
    int batches() {
        return (samples - 1) / batchSize + 1 - (lastOneJoins() ? 1 : 0);
    }

    /** Returns whether the last batch has one sample more than the others, which would otherwise be alone. */
    boolean lastOneJoins() {
        return joinsLastOne && batchSize > 1 && samples > 1 && samples % batchSize == 1;
    }

    int largestBatch() {
        return batchSize + (lastOneJoins() ? 1 : 0);
    }

    /** Returns the size of the smallest batch: that of the last one or, if that has one sample more, of all others. */
    int smallestBatch() {
        return Math.min(batchSize, samples - start(batches() - 1));
    }

    /** Returns the place of a batch's first sample in the order of the epoch. */
    int start(int batch) {
        return batch * batchSize;
    }

    /** Returns the place behind a batch's last sample in the order of the epoch. */
    int end(int batch) {
        return batch == batches() - 1 ? samples : (batch + 1) * batchSize;
    }
}
