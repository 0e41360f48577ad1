package org.facerecognition.losses;

import static org.facerecognition.losses.Elementwise.atLeast;
import static org.facerecognition.losses.Elementwise.atMost;
import static org.facerecognition.losses.Elementwise.plus;
import static org.facerecognition.losses.Elementwise.times;

import java.util.Map;
import java.util.function.UnaryOperator;
import org.bytedeco.pytorch.Tensor;

/**
 * AdaCos: a scaled cosine softmax without a margin and without settings. The scale follows from the number of
 * identities and, if dynamic, from the progress of training.
 *
 * <p>Zhang et al., "AdaCos: Adaptively Scaling Cosine Logits for Effectively Learning Deep Face Representations", CVPR
 * 2019, arXiv 1905.00292. Fixed scale, equation 8: s = sqrt(2) ln(C - 1). Dynamic scale, equations 13 to 15: starting
 * from that value, each step sets s = ln(b) / cos(min(pi / 4, theta)), where theta is the median target angle of the
 * batch and b is the mean over the batch of the sum of exp(s' cos(theta_j)) over the negatives, with s' the previous
 * scale. What differs: s is at least 1, because ln(b) would be negative with few negatives that are all far away.
 * Scores are always multiplied by the fixed scale.
 *
 * @param classes the number of identities, C, at least 4, so that the scale is above 1
 * @param dynamic whether the scale changes in training
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
    public Margin scaledBy(double factor) {
        return this;
    }

    @Override
    public Map<String, Double> state() {
        return dynamic ? Map.of(SCALE, s()) : Map.of();
    }

    @Override
    public void observe(Targets targets, UnaryOperator<Tensor> negativesLogSumExp) {
        if (dynamic) {
            Tensor scale = targets.stateTensor(SCALE);
            Tensor logSums = negativesLogSumExp.apply(scale); // [B]
            Tensor logMean = plus(logSums.logsumexp(0), -Math.log(logSums.numel()));
            Tensor median = atMost(Angles.angle(targets.cosine()).median(), Math.PI / 4);
            Head.update(scale, atLeast(logMean.div(median.cos()), 1));
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

    /** Heads multiply by the fixed scale, so the ratio of the dynamic to the fixed scale goes into the cosines. */
    private Tensor rescaled(Tensor cosines, Targets targets) {
        return dynamic ? cosines.mul(times(targets.stateTensor(SCALE), 1 / s())) : cosines;
    }
}
