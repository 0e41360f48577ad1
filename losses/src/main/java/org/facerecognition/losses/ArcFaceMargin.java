package org.facerecognition.losses;

import static org.bytedeco.pytorch.global.torch.where;

import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarOptional;
import org.bytedeco.pytorch.Tensor;

/**
 * The additive angular margin of ArcFace: the target's cosine cos(theta) becomes cos(theta + m).
 *
 * <p>Deng et al., "ArcFace: Additive Angular Margin Loss for Deep Face Recognition", CVPR 2019, arXiv 1801.07698,
 * equation 3. The gradient is the true one. (insightface's code since December 2022 leaves out the factor sin(theta +
 * m) / sin(theta), and so trains a little differently from the paper.)
 *
 * @param s scale, positive; 64 in the paper, which suits tens of thousands of identities; about 10 suits 500
 * @param m margin in radians, in [0, pi); 0.5 in the paper; 0 is normalised softmax
 */
public record ArcFaceMargin(double s, double m) implements Margin {
    /*
     * cos(theta + m) is written without acos, whose derivative is infinite at both poles:
     *
     *     phi = c cos(m) - sqrt(1 - c^2) sin(m),   c = cos(theta)
     *
     * The square root has the same trouble at both poles, and rounding may push c past 1, where it is NaN. We clamp
     * under the root and never c itself: within .018 degrees of a pole the root's gradient is then 0 and that of
     * c cos(m) remains. It hardly moves an embedding, and should not: the gradient of the cosine itself, sin(theta), is
     * nought at the poles. The clamp comes before the root, not in a where() around it: where() differentiates both
     * branches, and 0 * infinity is NaN.
     *
     * For theta > pi - m the sum passes pi, and cos(theta + m) would rise again: an embedding far on the wrong side
     * would be paid for going farther. From there on we take -2 - cos(theta + m), the mirror image: it meets the first
     * branch at -1 with the same slope (0) and keeps falling to theta = pi. insightface's "easy margin off" uses
     * c - m sin(m) there, which jumps by .117 at m = .5.
     */
    private static final double SMALLEST_SIN_SQUARED = 1e-7; // about the rounding step of a float32 at 1

    public ArcFaceMargin {
        if (!(s > 0) || Double.isInfinite(s)) {
            throw new IllegalArgumentException("s must be positive and finite, but was " + s);
        }
        if (!(m >= 0 && m < Math.PI)) {
            throw new IllegalArgumentException("m must be in [0, pi) radians, but was " + m
                    + (m >= Math.PI && m < 180 ? " (in degrees? then pass Math.toRadians(" + m + "))" : ""));
        }
    }

    @Override
    public Margin weakened(double share) {
        return new ArcFaceMargin(s, m * share);
    }

    @Override
    public Tensor apply(Targets targets) {
        Tensor cosine = targets.cosine(); // [B]
        try (Scalar one = new Scalar(1.0);
                Scalar cosM = new Scalar(Math.cos(m));
                Scalar sinM = new Scalar(Math.sin(m));
                Scalar pastPi = new Scalar(-Math.cos(m)); // cos(pi - m)
                Scalar two = new Scalar(2.0);
                ScalarOptional floor = new ScalarOptional(new Scalar(SMALLEST_SIN_SQUARED))) {
            Tensor sinSquared = cosine.mul(cosine).neg().add(one); // [B]
            Tensor sin = sinSquared.clamp(floor, new ScalarOptional()).sqrt(); // [B]
            Tensor phi = cosine.mul(cosM).sub(sin.mul(sinM)); // [B], cos(theta + m)
            return where(cosine.gt(pastPi), phi, phi.neg().sub(two)); // [B]
        }
    }
}
