package org.facerecognition.losses;

import static org.facerecognition.losses.Elementwise.plus;
import static org.facerecognition.losses.Elementwise.times;

import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;

/**
 * Triplet loss with semi-hard negatives: for each pair of one identity, the negative is the nearest sample of another
 * identity that is still farther away than the pair is apart.
 *
 * <p>Schroff et al., "FaceNet: A Unified Embedding for Face Recognition and Clustering", CVPR 2015, arXiv 1503.03832,
 * section 3.2, on squared distances between normalized embeddings, 2 - 2 cos. What differs: the loss is the mean over
 * the pairs whose semi-hard negative lies within the margin, while the paper sums; pairs without one contribute
 * nothing.
 *
 * @param margin the difference of squared distances, in [0, 4]; 0.2 in the paper
 */
public record SemiHardTriplet(double margin) implements PairLoss {
    public SemiHardTriplet {
        Checks.within("margin", margin, 0, 4);
    }

    @Override
    public Tensor of(Pairs pairs) {
        Tensor anchors = pairs.same().nonzero().select(1, 0); // [P], row by row
        Tensor positives = pairs.cosines().masked_select(pairs.same()); // [P], row by row as well
        Tensor candidates = pairs.cosines().index_select(0, anchors); // [P, B]
        Tensor farther = candidates.ge(positives.unsqueeze(1)).logical_not(); // [P, B], also where one is NaN
        Tensor semiHard = pairs.different().index_select(0, anchors).logical_and(farther);
        Tensor negatives = Pairs.highest(candidates, semiHard, -1); // [P]
        Tensor each = plus(times(negatives.sub(positives), 2), margin); // [P]
        try (Scalar zero = new Scalar(0.0)) {
            Tensor counted = semiHard.any(1).logical_and(each.le(zero).logical_not()); // [P], also NaN
            return Pairs.mean(each, counted);
        }
    }
}
