package org.facerecognition.losses;

import static org.facerecognition.losses.Elementwise.atLeast;
import static org.facerecognition.losses.Elementwise.minus;
import static org.facerecognition.losses.Elementwise.times;

import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;

/**
 * Contrastive loss: pairs of one identity are pulled together, pairs of different identities are pushed apart up to a
 * margin.
 *
 * <p>Hadsell et al., "Dimensionality Reduction by Learning an Invariant Mapping", CVPR 2006, equation 4: d^2 / 2 for a
 * positive pair, max(0, m - d)^2 / 2 for a negative pair. What differs: embeddings are normalized, so d = sqrt(2 - 2
 * cos) and the margin is a distance on the unit sphere. The loss is the mean over the positive pairs plus the mean over
 * those negative pairs that are nearer than m: these soon become few among very many, and in a mean over all negative
 * pairs they would no longer balance the pull of the positive ones. The value under the root is at least 1e-7, because
 * two equal embeddings have no direction in which to move apart.
 *
 * @param margin the distance up to which negative pairs are pushed apart, in (0, 2]; 1 is an angle of 60 degrees
 */
public record Contrastive(double margin) implements PairLoss {
    private static final double MIN_SQUARE = 1e-7;

    public Contrastive {
        Checks.positive("margin", margin);
        Checks.within("margin", margin, 0, 2);
    }

    @Override
    public Tensor of(Pairs pairs) {
        Tensor halfSquares = minus(1, pairs.cosines()); // [B, B]
        Tensor distances = atLeast(times(halfSquares, 2), MIN_SQUARE).sqrt();
        try (Scalar two = new Scalar(2.0);
                Scalar bound = new Scalar(margin)) {
            Tensor tooNear = pairs.different().logical_and(distances.ge(bound).logical_not()); // [B, B], also NaN
            Tensor push = times(minus(margin, distances).pow(two), 0.5); // [B, B], meaningful where too near
            return Pairs.mean(halfSquares, pairs.same()).add(Pairs.mean(push, tooNear));
        }
    }
}
