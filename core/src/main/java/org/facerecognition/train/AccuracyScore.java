package org.facerecognition.train;

import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * Share of samples whose identity is among the {@code k} best scores. With several equal scores at the border, a sample
 * counts as right when fewer than {@code k} others are strictly better.
 *
 * @param k how many guesses are allowed, at least 1
 */
public record AccuracyScore(int k) implements RankScore {
    public AccuracyScore {
        if (k < 1) {
            throw new IllegalArgumentException("k must be at least 1, but was " + k);
        }
    }

    /** Plain accuracy: the best score must be the right one. */
    public AccuracyScore() {
        this(1);
    }

    @Override
    public String name() {
        return k == 1 ? "accuracy" : "top-" + k + " accuracy";
    }

    @Override
    public double sum(Tensor ranks) {
        try (PointerScope scope = new PointerScope()) {
            return ranks.lt(new Scalar(k)).sum().to(ScalarType.Double).item_double();
        }
    }

    @Override
    public double sum(Tensor scores, Tensor labels) {
        try (PointerScope scope = new PointerScope();
                NoGradGuard noGrad = new NoGradGuard()) {
            Tensor own = scores.gather(1, labels.unsqueeze(1)); // [B, 1]
            Tensor better = scores.gt(own).sum(new long[] {1}); // [B]
            Tensor sane = own.squeeze(1).isfinite(); // a net that says NaN knows nobody
            return better.lt(new Scalar(k))
                    .logical_and(sane)
                    .sum()
                    .to(ScalarType.Double)
                    .item_double();
        }
    }
}
