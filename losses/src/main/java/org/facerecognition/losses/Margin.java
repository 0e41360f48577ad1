package org.facerecognition.losses;

import org.bytedeco.pytorch.Tensor;

/**
 * What a margin-softmax loss does to the cosine between an embedding and the centre of its own identity. A margin
 * holds only what makes it itself; the centres, the cosines and the cross-entropy are {@link MarginSoftmax}'s.
 */
public interface Margin {
    /** The scale that all cosines are multiplied with before the softmax; positive. */
    double s();

    /**
     * Lowers the cosines of the right identities, so that training has to raise them further.
     *
     * @param cosine [B], the cosine between each embedding and its own centre, in [-1, 1] up to rounding
     * @return [B], differentiable, of the same type; not scaled
     */
    Tensor apply(Tensor cosine);

    /**
     * The same margin made smaller, to begin a training with.
     *
     * @param share in [0, 1]; 0 for no margin at all
     */
    Margin weakened(double share);
}
