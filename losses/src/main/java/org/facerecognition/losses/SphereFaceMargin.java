package org.facerecognition.losses;

import org.bytedeco.pytorch.Tensor;

/**
 * The multiplicative angular margin of SphereFace: the target's cosine cos(theta) becomes cos(m theta), falling all the way.
 *
 * <p>Liu et al., "SphereFace: Deep Hypersphere Embedding for Face Recognition", CVPR 2017, arXiv 1704.08063, equation 7:
 * (-1)^k cos(m theta) - 2k for m theta in [k pi, (k + 1) pi]. What differs: the paper scales by the embedding's own length
 * and mixes in plain softmax, weighted down to a fifth in training, to survive m = 4. Here embeddings are normalized and
 * s fixed, as later papers do, and m = 1.35 stands for both (arXiv 1801.07698, table 2); warm the margin up in place of the
 * mixing. m need not be whole.
 *
 * @param s scale, positive
 * @param m factor of the angle, at least 1; 1 is normalized softmax
 */
public record SphereFaceMargin(double s, double m) implements Margin {
    public SphereFaceMargin {
        Checks.positive("s", s);
        Checks.atLeast("m", m, 1);
    }

    @Override
    public Margin scaledBy(double share) {
        return new SphereFaceMargin(s, 1 + (m - 1) * share);
    }

    @Override
    public Tensor apply(Targets targets) {
        return new CombinedMargin(s, m, 0, 0).apply(targets);
    }
}
