package org.facerecognition.losses;

import static org.facerecognition.losses.Elementwise.atLeast;
import static org.facerecognition.losses.Elementwise.minus;
import static org.facerecognition.losses.Elementwise.times;

import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;

/**
 * Contrastive loss: two of one identity are drawn together, two of different ones pushed apart up to a margin.
 *
 * <p>Hadsell et al., "Dimensionality Reduction by Learning an Invariant Mapping", CVPR 2006, equation 4: d^2 / 2 for the
 * first, max(0, m - d)^2 / 2 for the others. What differs: embeddings are normalized, so d = sqrt(2 - 2 cos) and m is of a
 * sphere; the loss is the mean over pairs of the first kind plus that over those pairs of the second that are nearer than m.
 * Those are soon few among very many, and in a mean over all they would no longer count beside the pull of the first. Under
 * the root there is at least 1e-7: of two embeddings in one place no direction leads apart.
 *
 * @param margin distance, in (0, 2]; 1 is an angle of 60 degrees
 */
public record Contrastive(double margin) implements PairLoss {
    private static final double SMALLEST_SQUARE = 1e-7;

    public Contrastive {
        Checks.positive("margin", margin);
        Checks.within("margin", margin, 0, 2);
    }

    @Override
    public Tensor of(Pairs pairs) {
        Tensor halfSquares = minus(1, pairs.cosines()); // [B, B]
        Tensor distances = atLeast(times(halfSquares, 2), SMALLEST_SQUARE).sqrt();
        try (Scalar two = new Scalar(2.0);
                Scalar bound = new Scalar(margin)) {
            Tensor tooNear = pairs.different().logical_and(distances.lt(bound)); // [B, B]
            Tensor lacking = times(minus(margin, distances).pow(two), 0.5); // [B, B], where they are too near
            return Pairs.mean(halfSquares, pairs.same()).add(Pairs.mean(lacking, tooNear));
        }
    }
}
