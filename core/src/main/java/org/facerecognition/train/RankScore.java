package org.facerecognition.train;

import org.bytedeco.pytorch.Tensor;

/** A score that depends only on the number of identities that score higher than the correct one. */
public interface RankScore extends Score {
    /**
     * Returns the sum over the samples of a batch.
     *
     * @param ranks [B], int64: the number of identities that score strictly higher than the correct one
     * @return between 0 and B
     */
    double sum(Tensor ranks);
}
