package org.facerecognition.train;

import org.bytedeco.pytorch.Tensor;

/** A score that asks only how many identities were thought likelier than the right one. */
public interface RankScore extends Score {
    /**
     * What the samples of a batch earn together.
     *
     * @param ranks [B], int64: how many identities score strictly higher than the right one
     * @return between 0 and B
     */
    double sum(Tensor ranks);
}
