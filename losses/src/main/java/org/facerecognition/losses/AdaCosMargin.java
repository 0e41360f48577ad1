package org.facerecognition.losses;

import static org.facerecognition.losses.Elementwise.atLeast;
import static org.facerecognition.losses.Elementwise.atMost;
import static org.facerecognition.losses.Elementwise.plus;
import static org.facerecognition.losses.Elementwise.times;

import java.util.Map;
import java.util.function.UnaryOperator;
import org.bytedeco.pytorch.Tensor;

/**
 * AdaCos: no margin and no setting, the scale follows from the number of identities, and when dynamic from how training gets
 * on.
 *
 * <p>Zhang et al., "AdaCos: Adaptively Scaling Cosine Logits for Effectively Learning Deep Face Representations", CVPR 2019,
 * arXiv 1905.00292. Fixed, equation 8: s = sqrt(2) ln(C - 1). Dynamic, equations 13 to 15: from there, in each step
 * s = ln(B) / cos(min(pi / 4, theta)), theta the batch's median angle to the right identities, and B the mean over the batch
 * of the sum of exp(s' cos(theta_j)) over the wrong ones, s' being the last s. What differs: s stays at 1 or more, where a
 * few wrong identities that all are far would make ln(B) negative. Scores are scaled by the fixed s.
 *
 * @param classes number of identities, C, at least 4: the scale must be above 1
 * @param dynamic whether the scale moves
 */
public record AdaCosMargin(int classes, boolean dynamic) implements Margin {
    private static final String SCALE = "scale";

    public AdaCosMargin {
        if (classes < 4) {
            throw new IllegalArgumentException("classes must be at least 4 for AdaCos, but was " + classes);
        }
    }

    @Override
    public double s() {
        return Math.sqrt(2) * Math.log(classes - 1.0);
    }

    @Override
    public Margin scaledBy(double share) {
        return this;
    }

    @Override
    public Map<String, Double> state() {
        return dynamic ? Map.of(SCALE, s()) : Map.of();
    }

    @Override
    public void observe(Targets targets, UnaryOperator<Tensor> othersLogSum) {
        if (dynamic) {
            Tensor scale = targets.state().get(SCALE);
            Tensor negatives = othersLogSum.apply(scale); // [B]
            Tensor logMean = plus(negatives.logsumexp(0), -Math.log(negatives.numel()));
            Tensor median = atMost(Angles.angle(targets.cosine()).median(), Math.PI / 4);
            scale.copy_(atLeast(logMean.div(median.cos()), 1));
        }
    }

    @Override
    public Tensor apply(Targets targets) {
        return rescaled(targets.cosine(), targets);
    }

    @Override
    public boolean changesNegatives() {
        return dynamic;
    }

    @Override
    public Tensor negatives(Tensor cosines, Tensor targetWithMargin, Targets targets) {
        return rescaled(cosines, targets);
    }

    /** Heads multiply with the fixed s: what the moving one differs is put into the cosines. */
    private Tensor rescaled(Tensor cosines, Targets targets) {
        return dynamic ? cosines.mul(times(targets.state().get(SCALE), 1 / s())) : cosines;
    }
}
