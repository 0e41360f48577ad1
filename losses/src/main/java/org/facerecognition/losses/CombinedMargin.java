package org.facerecognition.losses;

import static org.facerecognition.losses.Elementwise.plus;
import static org.facerecognition.losses.Elementwise.times;

import org.bytedeco.pytorch.Tensor;

/**
 * The margins of SphereFace, ArcFace and CosFace combined: the target cosine cos(theta) becomes
 * cos(m1 theta + m2) - m3.
 *
 * <p>Deng et al., arXiv 1801.07698, equation 4; the paper uses (1, 0.3, 0.2) and (0.9, 0.4, 0.15) for (m1, m2, m3).
 * What differs: where m1 theta + m2 exceeds pi, the result keeps falling (see {@link Angles}). The gradient is the true
 * one; with m1 other than 1 it is zero within 0.018 degrees of the poles, where the derivative of the angle is
 * unbounded.
 *
 * @param s the scale, positive
 * @param m1 the factor of the angle, in (0, 16]; 1 leaves the angle as it is
 * @param m2 the angle that is added, in radians, in [0, pi)
 * @param m3 the difference that is subtracted from the cosine, in [0, 2]
 */
public record CombinedMargin(double s, double m1, double m2, double m3) implements Margin {
    /** Far above any that can be trained, and below the usual scales, which may be passed in its place. */
    static final double MAX_FACTOR = 16;

    public CombinedMargin {
        Checks.positive("s", s);
        Checks.positive("m1", m1);
        Checks.within("m1", m1, 0, MAX_FACTOR);
        Checks.radians("m2", m2);
        Checks.within("m3", m3, 0, 2);
    }

    @Override
    public Margin scaledBy(double factor) {
        return new CombinedMargin(s, 1 + (m1 - 1) * factor, m2 * factor, m3 * factor);
    }

    @Override
    public Tensor apply(Targets targets) {
        Tensor cosine = targets.cosine(); // [B]
        Tensor moved = m1 == 1 // then the angle itself is not needed
                ? Angles.cosThetaPlus(cosine, m2)
                : Angles.fallingCosine(plus(times(Angles.angle(cosine), m1), m2));
        return plus(moved, -m3);
    }
}
