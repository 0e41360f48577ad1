package org.facerecognition.losses;

import org.bytedeco.pytorch.Tensor;

/**
 * NormFace: softmax over scaled cosines, without a margin.
 *
 * <p>Wang et al., "NormFace: L2 Hypersphere Embedding for Face Verification", ACM Multimedia 2017, arXiv 1704.06369,
 * equation 10. What differs: s is fixed, while the paper learns it or fixes it above the bound that it derives
 * ({@link ScaleBound}).
 *
 * @param s the scale, positive
 */
public record NormFaceMargin(double s) implements Margin {
    public NormFaceMargin {
        Checks.positive("s", s);
    }

    @Override
    public Margin scaledBy(double factor) {
        return this;
    }

    @Override
    public Tensor apply(Targets targets) {
        return targets.cosine();
    }
}
