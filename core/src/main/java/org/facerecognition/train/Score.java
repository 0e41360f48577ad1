package org.facerecognition.train;

import org.bytedeco.pytorch.Tensor;

/** A measure of how well a head's scores identify the samples, averaged over all samples. */
public interface Score {
    /** The name in tables and plots. */
    String name();

    /**
     * Returns the sum over the samples of a batch.
     *
     * @param scores [B, C], higher is more likely, without margin
     * @param labels [B], int64
     * @return between 0 and B
     */
    double sum(Tensor scores, Tensor labels);
}
