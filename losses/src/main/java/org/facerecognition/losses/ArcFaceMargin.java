package org.facerecognition.losses;

import org.bytedeco.pytorch.Tensor;

/**
 * The additive angular margin of ArcFace: the target's cosine cos(theta) becomes cos(theta + m).
 *
 * <p>Deng et al., "ArcFace: Additive Angular Margin Loss for Deep Face Recognition", CVPR 2019, arXiv 1801.07698,
 * equation 3. The gradient is the paper's unless another is chosen: with respect to cos(theta) it is sin(theta + m) /
 * sin(theta). insightface's code since December 2022 leaves that factor out, and so pulls less at embeddings near their
 * centers; published tables from before used it. Beyond theta = pi - m we keep falling, where the paper's formula would rise
 * (see {@link Angles}).
 *
 * @param s scale, positive; 64 in the paper, which suits tens of thousands of identities; about 10 suits 500
 * @param m margin in radians, in [0, pi); 0.5 in the paper; 0 is normalized softmax
 * @param gradient which one
 */
public record ArcFaceMargin(double s, double m, Gradient gradient) implements Margin {
    /** What the loss passes back to cos(theta). */
    public enum Gradient {
        /** That of the formula. */
        TRUE,
        /** As if the margin added a constant: that of cos(theta), 1. insightface's. */
        STRAIGHT_THROUGH
    }

    public ArcFaceMargin {
        Checks.positive("s", s);
        Checks.radians("m", m);
    }

    /** With the true gradient. */
    public ArcFaceMargin(double s, double m) {
        this(s, m, Gradient.TRUE);
    }

    @Override
    public Margin scaledBy(double share) {
        return new ArcFaceMargin(s, m * share, gradient);
    }

    @Override
    public Tensor apply(Targets targets) {
        Tensor cosine = targets.cosine(); // [B]
        if (gradient == Gradient.TRUE) {
            return Angles.cosThetaPlus(cosine, m);
        }
        Tensor fixed = cosine.detach();
        return cosine.add(Angles.cosThetaPlus(fixed, m).sub(fixed));
    }
}
