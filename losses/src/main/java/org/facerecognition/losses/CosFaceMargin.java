package org.facerecognition.losses;

import org.bytedeco.pytorch.Tensor;

/**
 * The additive cosine margin of CosFace: the target cosine cos(theta) becomes cos(theta) - m.
 *
 * <p>Wang et al., "CosFace: Large Margin Cosine Loss for Deep Face Recognition", CVPR 2018, arXiv 1801.09414, equation
 * 4; the same as AM-Softmax (arXiv 1801.05599). Implemented as published.
 *
 * @param s the scale, positive; 64 in the paper
 * @param m the margin, a difference of cosines, in [0, 2]; 0.35 in the paper, 0.4 for its largest data sets; 0 is
 *     normalized softmax
 */
public record CosFaceMargin(double s, double m) implements Margin {
    public CosFaceMargin {
        Checks.positive("s", s);
        Checks.within("m", m, 0, 2);
    }

    @Override
    public Margin scaledBy(double factor) {
        return new CosFaceMargin(s, m * factor);
    }

    @Override
    public Tensor apply(Targets targets) {
        return Elementwise.plus(targets.cosine(), -m);
    }
}
