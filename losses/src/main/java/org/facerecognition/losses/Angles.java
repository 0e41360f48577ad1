package org.facerecognition.losses;

import static org.bytedeco.pytorch.global.torch.where;
import static org.facerecognition.losses.Elementwise.above;
import static org.facerecognition.losses.Elementwise.atLeast;
import static org.facerecognition.losses.Elementwise.minus;
import static org.facerecognition.losses.Elementwise.plus;
import static org.facerecognition.losses.Elementwise.times;

import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * Differentiable cosines of angles that a margin has changed: finite at the poles, and decreasing over the whole range
 * of angles.
 */
final class Angles {
    /*
     * cos(theta + m) is computed without acos, whose derivative is infinite at both poles:
     *
     *     phi = c cos(m) - sqrt(1 - c^2) sin(m),   c = cos(theta)
     *
     * The square root has the same problem at both poles, and rounding may push c past 1, where the root is NaN. We
     * clamp the value under the root and never c itself: within 0.018 degrees of a pole the gradient of the root is
     * then 0, and the gradient of c cos(m) remains. It hardly moves an embedding, and should not: the gradient of the
     * cosine itself, sin(theta), is zero at the poles. The clamp comes before the root, not in a where() around it,
     * because where() differentiates both branches and 0 * infinity is NaN. 1 - c^2 is computed as (1 - c)(1 + c),
     * which loses nothing to rounding near a pole.
     *
     * For theta > pi - m the sum exceeds pi, and cos(theta + m) would rise again: an embedding far on the wrong side
     * would be rewarded for moving even farther. From there on we use -2 - cos(theta + m), the mirror image: it meets
     * the first branch at -1 with the same slope (0) and keeps falling up to theta = pi. insightface's "easy margin
     * off" uses c - m sin(m) there, which jumps by 0.117 at m = 0.5.
     */
    private static final double MIN_SIN_SQUARED = 1e-7; // about the rounding step of a float32 at 1

    private Angles() {}

    /** Returns sin(theta) for cos(theta): [B] to [B]. */
    static Tensor sine(Tensor cosine) {
        return atLeast(minus(1, cosine).mul(plus(cosine, 1)), MIN_SIN_SQUARED).sqrt();
    }

    /**
     * Returns cos(theta + m) for cos(theta), continued beyond pi so that it keeps falling.
     *
     * @param cosine [B]
     * @param m in radians, in [0, pi)
     * @return [B]
     */
    static Tensor cosThetaPlus(Tensor cosine, double m) {
        Tensor phi = times(cosine, Math.cos(m)).sub(times(sine(cosine), Math.sin(m))); // [B]
        return where(above(cosine, -Math.cos(m)), phi, minus(-2, phi)); // cos(pi - m) = -cos(m)
    }

    /**
     * Returns the same with a margin per sample.
     *
     * @param cosine [B]
     * @param m [B], in radians, in (-pi, pi); where theta + m is below 0 the result is 1, without gradient
     * @return [B]
     */
    static Tensor cosThetaPlus(Tensor cosine, Tensor m) {
        Tensor cosM = m.cos(); // [B]
        Tensor phi = cosine.mul(cosM).sub(sine(cosine).mul(m.sin())); // [B]
        try (Scalar zero = new Scalar(0.0);
                Scalar one = new Scalar(1.0)) {
            Tensor beyondPi = cosine.lt(cosM.neg()).logical_and(m.gt(zero));
            Tensor belowZero = cosine.gt(cosM).logical_and(m.lt(zero));
            return where(belowZero, one, where(beyondPi, minus(-2, phi), phi));
        }
    }

    /**
     * Returns theta for cos(theta), in [0, pi]. It is computed by atan2, whose derivative stays finite because that of
     * the sine does.
     */
    static Tensor angle(Tensor cosine) {
        return torch.atan2(sine(cosine), cosine);
    }

    /**
     * Returns cos(a) for a in [0, pi], continued so that it keeps falling: (-1)^k cos(a) - 2k with k = floor(a / pi).
     */
    static Tensor fallingCosine(Tensor angle) {
        try (Scalar two = new Scalar(2.0)) {
            Tensor k = times(angle.detach(), 1 / Math.PI).floor();
            Tensor sign = minus(1, times(torch.remainder(k, two), 2));
            return angle.cos().mul(sign).sub(times(k, 2));
        }
    }
}
