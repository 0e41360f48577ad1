package org.facerecognition.losses;

import static org.facerecognition.losses.Elementwise.clamp;
import static org.facerecognition.losses.Elementwise.plus;
import static org.facerecognition.losses.Elementwise.times;

import org.bytedeco.pytorch.Tensor;

/**
 * The margin of MagFace: ArcFace's angular margin, which grows with the norm of the embedding, plus a term of the loss
 * that rewards large norms. In training, images of high quality come to have embeddings of large norm.
 *
 * <p>Meng et al., "MagFace: A Universal Representation for Face Recognition and Quality Assessment", CVPR 2021, arXiv
 * 2103.06627, equations 3 and 5: for a norm a in [l_a, u_a], m(a) = l_m + (a - l_a) (u_m - l_m) / (u_a - l_a), and
 * lambda (1 / a + a / u_a^2) is added to the loss. Both pass their gradient to the norm. As in the authors' code, norms
 * are first clipped to [l_a, u_a], so outside that range neither has a gradient. What differs: beyond theta = pi - m(a)
 * the result keeps falling (see {@link Angles}), while theirs jumps.
 *
 * @param s the scale, positive; 64 in the paper
 * @param shortest the smallest norm l_a, positive; 10 in the paper
 * @param longest the largest norm u_a, above l_a; 110 in the paper
 * @param leastMargin the margin l_m at the smallest norm, in radians, in [0, pi); 0.45 in the paper
 * @param greatestMargin the margin u_m at the largest norm, in radians, from l_m to below pi; 0.8 in the paper
 * @param lambda the weight of the added term, at least 0; 35 in the paper
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

    /** Creates a margin with the paper's norms, margins and weight. */
    public MagFaceMargin(double s) {
        this(s, 10, 110, 0.45, 0.8, 35);
    }

    @Override
    public Margin scaledBy(double factor) {
        return new MagFaceMargin(s, shortest, longest, leastMargin * factor, greatestMargin * factor, lambda * factor);
    }

    @Override
    public Tensor apply(Targets targets) {
        double slope = (greatestMargin - leastMargin) / (longest - shortest);
        Tensor m = plus(times(clippedNorms(targets), slope), leastMargin - shortest * slope); // [B]
        return Angles.cosThetaPlus(targets.cosine(), m);
    }

    @Override
    public Tensor penalty(Targets targets) {
        Tensor a = clippedNorms(targets); // [B]
        return times(a.reciprocal().add(times(a, 1 / (longest * longest))).mean(), lambda);
    }

    private Tensor clippedNorms(Targets targets) {
        return clamp(targets.norms(), shortest, longest);
    }
}
