package org.facerecognition.losses;

import org.bytedeco.pytorch.Tensor;

/**
 * The multiplicative angular margin of SphereFace: the target cosine cos(theta) becomes cos(m theta),
 * continued so that it falls over the whole range of angles.
 *
 * <p>Liu et al., "SphereFace: Deep Hypersphere Embedding for Face Recognition", CVPR 2017, arXiv 1704.08063, equation
 * 7: (-1)^k cos(m theta) - 2k for m theta in [k pi, (k + 1) pi]. What differs: the paper scales by the norm of the
 * embedding and, so that m = 4 can be trained, mixes in plain softmax, whose weight falls to a fifth during training.
 * Here, as in later papers, embeddings are normalized and s is fixed, and m = 1.35 replaces both (arXiv 1801.07698,
 * table 2); warm the margin up instead of mixing. m need not be an integer.
 *
 * @param s the scale, positive
 * @param m the factor of the angle, in [1, 16]; 1 is normalized softmax
 */
public record SphereFaceMargin(double s, double m) implements Margin {
    public SphereFaceMargin {
        Checks.positive("s", s);
        Checks.within("m", m, 1, CombinedMargin.MAX_FACTOR);
    }

    @Override
    public Margin scaledBy(double factor) {
        return new SphereFaceMargin(s, 1 + (m - 1) * factor);
    }

    @Override
    public Tensor apply(Targets targets) {
        return new CombinedMargin(s, m, 0, 0).apply(targets);
    }
}
