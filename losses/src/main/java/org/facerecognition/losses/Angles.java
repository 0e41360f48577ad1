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

/** Cosines of angles that a margin has moved, safe at the poles and falling all the way. */
final class Angles {
    /*
     * cos(theta + m) is written without acos, whose derivative is infinite at both poles:
     *
     *     phi = c cos(m) - sqrt(1 - c^2) sin(m),   c = cos(theta)
     *
     * The square root has the same trouble at both poles, and rounding may push c past 1, where it is NaN. We clamp
     * under the root and never c itself: within .018 degrees of a pole the root's gradient is then 0 and that of
     * c cos(m) remains. It hardly moves an embedding, and should not: the gradient of the cosine itself, sin(theta), is
     * zero at the poles. The clamp comes before the root, not in a where() around it: where() differentiates both
     * branches, and 0 * infinity is NaN. 1 - c^2 is written (1 - c)(1 + c), which loses nothing to rounding near a pole.
     *
     * For theta > pi - m the sum passes pi, and cos(theta + m) would rise again: an embedding far on the wrong side
     * would be paid for going farther. From there on we take -2 - cos(theta + m), the mirror image: it meets the first
     * branch at -1 with the same slope (0) and keeps falling to theta = pi. insightface's "easy margin off" uses
     * c - m sin(m) there, which jumps by .117 at m = .5.
     */
    private static final double SMALLEST_SIN_SQUARED = 1e-7; // about the rounding step of a float32 at 1

    private Angles() {}

    /** sin(theta) of cos(theta): [B] to [B]. */
    static Tensor sine(Tensor cosine) {
        return atLeast(minus(1, cosine).mul(plus(cosine, 1)), SMALLEST_SIN_SQUARED)
                .sqrt();
    }

    /**
     * cos(theta + m) of cos(theta), made to fall beyond pi too.
     *
     * @param m in radians, in [0, pi)
     */
    static Tensor cosThetaPlus(Tensor cosine, double m) {
        Tensor phi = times(cosine, Math.cos(m)).sub(times(sine(cosine), Math.sin(m))); // [B]
        return where(above(cosine, -Math.cos(m)), phi, minus(-2, phi)); // cos(pi - m) = -cos(m)
    }

    /**
     * The same with a margin for each sample.
     *
     * @param m [B] in radians, in (-pi, pi). Where theta + m is below 0 the result is 1, without gradient
     */
    static Tensor cosThetaPlus(Tensor cosine, Tensor m) {
        Tensor cosM = m.cos(); // [B]
        Tensor phi = cosine.mul(cosM).sub(sine(cosine).mul(m.sin())); // [B]
        try (Scalar nought = new Scalar(0.0);
                Scalar one = new Scalar(1.0)) {
            Tensor beyondPi = cosine.lt(cosM.neg()).logical_and(m.gt(nought));
            Tensor belowNought = cosine.gt(cosM).logical_and(m.lt(nought));
            return where(belowNought, one, where(beyondPi, minus(-2, phi), phi));
        }
    }

    /**
     * theta of cos(theta), in [0, pi]: by atan2, whose derivative stays finite with the sine's.
     */
    static Tensor angle(Tensor cosine) {
        return torch.atan2(sine(cosine), cosine);
    }

    /** cos(a) for a in [0, pi], and from there on falling in the same waves: (-1)^k cos(a) - 2k, k = floor(a / pi). */
    static Tensor fallingCosine(Tensor angle) {
        try (Scalar two = new Scalar(2.0)) {
            Tensor k = times(angle.detach(), 1 / Math.PI).floor();
            Tensor sign = minus(1, times(torch.remainder(k, two), 2));
            return angle.cos().mul(sign).sub(times(k, 2));
        }
    }
}
