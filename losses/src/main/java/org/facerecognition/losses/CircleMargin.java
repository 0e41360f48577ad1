package org.facerecognition.losses;

import static org.facerecognition.losses.Elementwise.atLeast;
import static org.facerecognition.losses.Elementwise.minus;
import static org.facerecognition.losses.Elementwise.plus;
import static org.facerecognition.losses.Elementwise.times;

import org.bytedeco.pytorch.Tensor;

/**
 * Circle loss with identity labels: each cosine is weighted by how far it is from where it should be.
 *
 * <p>Sun et al., "Circle Loss: A Unified Perspective of Pair Similarity Optimization", CVPR 2020, arXiv 2002.10857, equations
 * 5 to 8: the target's cosine c becomes [1 + m - c]+ (c - (1 - m)), another's [c + m]+ (c - m). With one right identity for
 * each sample, the paper's loss is the cross-entropy of these. The weights in brackets pass no gradient, as the paper's
 * equation 10 has it. Among the samples of a batch it is {@link CirclePairs}.
 *
 * @param s scale, gamma in the paper, positive; 256 there for faces
 * @param m relaxation, in [0, 1]; 0.25 in the paper for faces
 * @param share how much of the weighting is used, in [0, 1]; 1 for the loss, 0 for normalized softmax
 */
public record CircleMargin(double s, double m, double share) implements Margin {
    public CircleMargin {
        Checks.positive("s", s);
        Checks.within("m", m, 0, 1);
        Checks.within("share", share, 0, 1);
    }

    /** The loss itself. */
    public CircleMargin(double s, double m) {
        this(s, m, 1);
    }

    @Override
    public Margin scaledBy(double share) {
        return new CircleMargin(s, m, this.share * share);
    }

    @Override
    public Tensor apply(Targets targets) {
        return mixed(targets.cosine(), right(targets.cosine(), m));
    }

    @Override
    public boolean changesNegatives() {
        return true;
    }

    @Override
    public Tensor negatives(Tensor cosines, Tensor targetWithMargin, Targets targets) {
        return mixed(cosines, wrong(cosines, m));
    }

    static Tensor right(Tensor cosine, double m) {
        return atLeast(minus(1 + m, cosine.detach()), 0).mul(plus(cosine, m - 1));
    }

    static Tensor wrong(Tensor cosine, double m) {
        return atLeast(plus(cosine.detach(), m), 0).mul(plus(cosine, -m));
    }

    private Tensor mixed(Tensor cosine, Tensor weighted) {
        return share == 1 ? weighted : cosine.add(times(weighted.sub(cosine), share));
    }
}
