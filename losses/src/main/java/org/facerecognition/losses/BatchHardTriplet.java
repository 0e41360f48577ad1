package org.facerecognition.losses;

import static org.facerecognition.losses.Elementwise.plus;
import static org.facerecognition.losses.Elementwise.times;

import org.bytedeco.pytorch.Tensor;

/**
 * Triplet loss on each sample's hardest pairs: the farthest of its own identity must be nearer than the nearest of another, by
 * a margin.
 *
 * <p>Hermans et al., "In Defense of the Triplet Loss for Person Re-Identification", arXiv 1703.07737, equation 5. What
 * differs: distances are squared ones between normalized embeddings, 2 - 2 cos, as in FaceNet (arXiv 1503.03832), whose
 * margin this is; the paper's root has an infinite slope at 0. The mean is over samples that have pairs of both kinds.
 *
 * @param margin difference of squared distances, in [0, 4]; 0.2 in FaceNet
 */
public record BatchHardTriplet(double margin) implements PairLoss {
    public BatchHardTriplet {
        Checks.within("margin", margin, 0, 4);
    }

    @Override
    public Tensor of(Pairs pairs) {
        Tensor farthest = Pairs.lowest(pairs.cosines(), pairs.same(), 1); // [B]
        Tensor nearest = Pairs.highest(pairs.cosines(), pairs.different(), -1); // [B]
        Tensor each = plus(times(nearest.sub(farthest), 2), margin).relu(); // [B]
        return Pairs.mean(each, pairs.withBoth());
    }
}
