package org.facerecognition.losses;

import static org.facerecognition.losses.Elementwise.plus;
import static org.facerecognition.losses.Elementwise.times;

import org.bytedeco.pytorch.Tensor;

/**
 * The margins of SphereFace, ArcFace and CosFace at once: the target's cosine becomes cos(m1 theta + m2) - m3.
 *
 * <p>Deng et al., arXiv 1801.07698, equation 4; the paper's are (1, 0.3, 0.2) and (0.9, 0.4, 0.15). Where m1 theta + m2
 * passes pi, the cosine falls on (see {@link Angles}). The gradient is the true one; with m1 other than 1 it is zero
 * within .018 degrees of the poles, where the angle's derivative has no bound.
 *
 * @param s scale, positive
 * @param m1 factor of the angle, positive; 1 for none
 * @param m2 added to the angle in radians, in [0, pi)
 * @param m3 taken from the cosine, in [0, 2]
 */
public record CombinedMargin(double s, double m1, double m2, double m3) implements Margin {
    public CombinedMargin {
        Checks.positive("s", s);
        Checks.positive("m1", m1);
        Checks.radians("m2", m2);
        Checks.within("m3", m3, 0, 2);
    }

    @Override
    public Margin scaledBy(double share) {
        return new CombinedMargin(s, 1 + (m1 - 1) * share, m2 * share, m3 * share);
    }

    @Override
    public Tensor apply(Targets targets) {
        Tensor cosine = targets.cosine(); // [B]
        Tensor moved = m1 == 1 // needs no angle then
                ? Angles.cosThetaPlus(cosine, m2)
                : Angles.fallingCosine(plus(times(Angles.angle(cosine), m1), m2));
        return plus(moved, -m3);
    }
}
