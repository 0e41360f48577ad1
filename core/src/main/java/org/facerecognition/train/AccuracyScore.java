package org.facerecognition.train;

import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * The fraction of samples whose identity is among the {@code k} highest scores. Where scores are equal, a sample counts
 * as correct if fewer than {@code k} others are strictly higher.
 *
 * @param k the number of allowed guesses, at least 1
 */
public record AccuracyScore(int k) implements RankScore {
    public AccuracyScore {
        if (k < 1) {
            throw new IllegalArgumentException("k must be at least 1, but was " + k);
        }
    }

    /** Accuracy: the highest score must be that of the correct identity. */
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
            Tensor target = scores.gather(1, labels.unsqueeze(1)); // [B, 1]
            Tensor better = scores.gt(target).sum(new long[] {1}); // [B]
            Tensor finite = target.squeeze(1).isfinite(); // NaN scores count as wrong
            return better.lt(new Scalar(k))
                    .logical_and(finite)
                    .sum()
                    .to(ScalarType.Double)
                    .item_double();
        }
    }
}
