package org.facerecognition.losses;

import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;

/** How many identities score strictly higher than the right one. */
final class Ranks {
    private Ranks() {}

    /** Of scores [B, C] and labels [B]: [B], int64; see {@link #maskNonFinite}. */
    static Tensor of(Tensor scores, Tensor labels) {
        try (NoGradGuard noGrad = new NoGradGuard()) {
            Tensor target = scores.gather(1, labels.unsqueeze(1)); // [B, 1]
            return maskNonFinite(scores.gt(target).sum(1), target.squeeze(1), scores.size(1));
        }
    }

    /** Last place for samples whose own score is not finite: nothing is higher than NaN. Changes the ranks in place. */
    static Tensor maskNonFinite(Tensor ranks, Tensor target, long classes) {
        return ranks.masked_fill_(target.isfinite().logical_not(), new Scalar(classes));
    }
}
