package org.facerecognition.losses;

import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;

/** The rank of the target: how many identities score strictly higher. 0 is the best rank. */
final class Ranks {
    private Ranks() {}

    /**
     * Returns the ranks of the targets, [B], int64; C for samples whose target score is not finite.
     *
     * @param scores [B, C]
     * @param labels [B], int64
     */
    static Tensor of(Tensor scores, Tensor labels) {
        try (NoGradGuard noGrad = new NoGradGuard()) {
            Tensor target = scores.gather(1, labels.unsqueeze(1)); // [B, 1]
            return maskNonFinite(scores.gt(target).sum(1), target.squeeze(1), scores.size(1));
        }
    }

    /**
     * Sets ranks in place to the number of classes where the target score is not finite: no score compares as higher
     * than NaN, so those samples would rank best.
     *
     * @param ranks [B], int64
     * @param target [B], the target scores
     */
    static Tensor maskNonFinite(Tensor ranks, Tensor target, long classes) {
        return ranks.masked_fill_(target.isfinite().logical_not(), new Scalar(classes));
    }
}
