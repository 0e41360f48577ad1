package org.facerecognition.losses;

import static org.facerecognition.losses.Elementwise.above;
import static org.facerecognition.losses.Elementwise.plus;
import static org.facerecognition.losses.Elementwise.times;

import org.bytedeco.pytorch.Tensor;

/**
 * Triplet loss on semi-hard samples: for each two of one identity, the nearest of another that is still farther than the two
 * are apart.
 *
 * <p>Schroff et al., "FaceNet: A Unified Embedding for Face Recognition and Clustering", CVPR 2015, arXiv 1503.03832, section
 * 3.2. Squared distances between normalized embeddings, 2 - 2 cos. The mean is over the pairs whose semi-hard sample lies
 * within the margin, where the paper sums; those that have none say nothing.
 *
 * @param margin difference of squared distances, in [0, 4]; 0.2 in the paper
 */
public record SemiHardTriplet(double margin) implements PairLoss {
    public SemiHardTriplet {
        Checks.within("margin", margin, 0, 4);
    }

    @Override
    public Tensor of(Pairs pairs) {
        Tensor anchors = pairs.same().nonzero().select(1, 0); // [P], row by row
        Tensor positive = pairs.cosines().masked_select(pairs.same()); // [P], row by row too
        Tensor negatives = pairs.cosines().index_select(0, anchors); // [P, B]
        Tensor farther = negatives.lt(positive.unsqueeze(1)); // [P, B]
        Tensor semiHard = pairs.different().index_select(0, anchors).logical_and(farther);
        Tensor negative = Pairs.highest(negatives, semiHard, -1); // [P]
        Tensor each = plus(times(negative.sub(positive), 2), margin); // [P]
        return Pairs.mean(each, semiHard.any(1).logical_and(above(each, 0)));
    }
}
