package org.facerecognition.losses;

import static org.facerecognition.losses.Elementwise.atLeast;
import static org.facerecognition.losses.Elementwise.minus;
import static org.facerecognition.losses.Elementwise.plus;
import static org.facerecognition.losses.Elementwise.times;

import org.bytedeco.pytorch.Tensor;

/**
 * Circle loss with identity labels: each cosine is weighted by its distance from its optimum.
 *
 * <p>Sun et al., "Circle Loss: A Unified Perspective of Pair Similarity Optimization", CVPR 2020, arXiv 2002.10857,
 * equations 5 to 8: a target cosine c becomes [1 + m - c]+ (c - (1 - m)), a negative one [c + m]+ (c - m), where [x]+
 * is max(0, x). With one target per sample, the paper's loss is the cross-entropy of these. As in the paper's equation
 * 10, the weights in brackets pass no gradient. Implemented as published; {@link CirclePairs} is the same loss among
 * the samples of a batch.
 *
 * @param s the scale, gamma in the paper, positive; 256 in the paper for faces
 * @param m the relaxation, in [0, 1]; 0.25 in the paper for faces
 * @param share the strength of the weighting, in [0, 1]; 1 is the circle loss, 0 is normalized softmax
 */
public record CircleMargin(double s, double m, double share) implements Margin {
    public CircleMargin {
        Checks.positive("s", s);
        Checks.within("m", m, 0, 1);
        Checks.within("share", share, 0, 1);
    }

    /** Creates the circle loss itself, at full strength. */
    public CircleMargin(double s, double m) {
        this(s, m, 1);
    }

    @Override
    public Margin scaledBy(double factor) {
        return new CircleMargin(s, m, share * factor);
    }

    @Override
    public Tensor apply(Targets targets) {
        return mixed(targets.cosine(), positive(targets.cosine(), m));
    }

    @Override
    public boolean changesNegatives() {
        return true;
    }

    @Override
    public Tensor negatives(Tensor cosines, Tensor targetWithMargin, Targets targets) {
        return mixed(cosines, negative(cosines, m));
    }

    /** Returns the weighted cosine of a positive pair, [1 + m - c]+ (c - (1 - m)), for each element. */
    static Tensor positive(Tensor cosine, double m) {
        return atLeast(minus(1 + m, cosine.detach()), 0).mul(plus(cosine, m - 1));
    }

    /** Returns the weighted cosine of a negative pair, [c + m]+ (c - m), for each element. */
    static Tensor negative(Tensor cosine, double m) {
        return atLeast(plus(cosine.detach(), m), 0).mul(plus(cosine, -m));
    }

    /** Interpolates between the plain and the weighted cosine. */
    private Tensor mixed(Tensor cosine, Tensor weighted) {
        return share == 1 ? weighted : cosine.add(times(weighted.sub(cosine), share));
    }
}
