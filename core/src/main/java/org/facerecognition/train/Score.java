package org.facerecognition.train;

import org.bytedeco.pytorch.Tensor;

/** How well a head's scores name the right identities: the mean over all samples of what each one earns. */
public interface Score {
    /** What it is called in tables and plots. */
    String name();

    /**
     * What the samples of a batch earn together.
     *
     * @param scores [B, C], the higher the likelier, without margin
     * @param labels [B], int64
     * @return between 0 and B
     */
    double sum(Tensor scores, Tensor labels);
}
