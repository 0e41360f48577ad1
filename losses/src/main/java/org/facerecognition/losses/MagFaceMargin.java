package org.facerecognition.losses;

import static org.facerecognition.losses.Elementwise.clamp;
import static org.facerecognition.losses.Elementwise.plus;
import static org.facerecognition.losses.Elementwise.times;

import org.bytedeco.pytorch.Tensor;

/**
 * The margin of MagFace: ArcFace's, the larger the longer the embedding is, with a reward for length; so good images come to
 * have long embeddings.
 *
 * <p>Meng et al., "MagFace: A Universal Representation for Face Recognition and Quality Assessment", CVPR 2021, arXiv
 * 2103.06627, equations 3 and 5: for a length a in [l_a, u_a], m(a) = l_m + (a - l_a) (u_m - l_m) / (u_a - l_a), and the loss
 * has lambda (1 / a + a / u_a^2) added. Both pass their gradient to the length. As in the authors' code lengths are clipped to
 * [l_a, u_a] first, so beyond them neither pulls. What differs: beyond theta = pi - m(a) the cosine falls on (see {@link
 * Angles}), where theirs jumps.
 *
 * @param s scale, positive; 64 in the paper
 * @param shortest l_a, positive; 10 in the paper
 * @param longest u_a, above l_a; 110
 * @param leastMargin l_m in radians, in [0, pi); 0.45
 * @param greatestMargin u_m in radians, from l_m to below pi; 0.8
 * @param lambda weight of the reward, at least 0; 35
 */
public record MagFaceMargin(
        double s, double shortest, double longest, double leastMargin, double greatestMargin, double lambda)
        implements Margin {
    public MagFaceMargin {
        Checks.positive("s", s);
        Checks.positive("shortest", shortest);
        Checks.positive("longest", longest);
        if (longest <= shortest) {
            throw new IllegalArgumentException("longest must be above shortest, " + shortest + ", but was " + longest);
        }
        Checks.radians("leastMargin", leastMargin);
        Checks.radians("greatestMargin", greatestMargin);
        if (greatestMargin < leastMargin) {
            throw new IllegalArgumentException(
                    "greatestMargin must be at least leastMargin, " + leastMargin + ", but was " + greatestMargin);
        }
        Checks.atLeast("lambda", lambda, 0);
    }

    /** With the paper's lengths, margins and weight. */
    public MagFaceMargin(double s) {
        this(s, 10, 110, 0.45, 0.8, 35);
    }

    @Override
    public Margin scaledBy(double share) {
        return new MagFaceMargin(s, shortest, longest, leastMargin * share, greatestMargin * share, lambda * share);
    }

    @Override
    public Tensor apply(Targets targets) {
        double slope = (greatestMargin - leastMargin) / (longest - shortest);
        Tensor m = plus(times(length(targets), slope), leastMargin - shortest * slope); // [B]
        return Angles.cosThetaPlus(targets.cosine(), m);
    }

    @Override
    public Tensor penalty(Targets targets) {
        Tensor a = length(targets); // [B]
        return times(a.reciprocal().add(times(a, 1 / (longest * longest))).mean(), lambda);
    }

    private Tensor length(Targets targets) {
        return clamp(targets.norms(), shortest, longest);
    }
}
