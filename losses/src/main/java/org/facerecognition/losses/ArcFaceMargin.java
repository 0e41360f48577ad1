package org.facerecognition.losses;

import org.bytedeco.pytorch.Tensor;

/**
 * The additive angular margin of ArcFace: the target cosine cos(theta) becomes cos(theta + m).
 *
 * <p>Deng et al., "ArcFace: Additive Angular Margin Loss for Deep Face Recognition", CVPR 2019, arXiv 1801.07698,
 * equation 3. By default the gradient is the paper's: with respect to cos(theta) it is sin(theta + m) / sin(theta).
 * insightface's code has omitted that factor since December 2022, and so pulls less on embeddings near their centers;
 * tables published before that date used it. What differs: beyond theta = pi - m the result keeps falling, while the
 * paper's formula would rise again (see {@link Angles}).
 *
 * @param s the scale, positive; 64 in the paper, which suits tens of thousands of identities; about 10 suits 500
 * @param m the margin in radians, in [0, pi); 0.5 in the paper; 0 is normalized softmax
 * @param gradient the gradient to use
 */
public record ArcFaceMargin(double s, double m, Gradient gradient) implements Margin {
    /** The gradient that the margin passes back to cos(theta). */
    public enum Gradient {
        /** The gradient of the formula. */
        TRUE,
        /** The gradient of cos(theta) itself, 1, as if the margin added a constant; used by insightface. */
        STRAIGHT_THROUGH
    }

    public ArcFaceMargin {
        Checks.positive("s", s);
        Checks.radians("m", m);
    }

    /** Creates a margin with the true gradient. */
    public ArcFaceMargin(double s, double m) {
        this(s, m, Gradient.TRUE);
    }

    @Override
    public Margin scaledBy(double factor) {
        return new ArcFaceMargin(s, m * factor, gradient);
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
