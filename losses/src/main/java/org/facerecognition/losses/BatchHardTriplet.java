package org.facerecognition.losses;

import static org.facerecognition.losses.Elementwise.plus;
import static org.facerecognition.losses.Elementwise.times;

import org.bytedeco.pytorch.Tensor;

/**
 * Triplet loss on the hardest pairs of each sample: its farthest sample of the same identity must be nearer, by a
 * margin, than its nearest sample of another identity.
 *
 * <p>Hermans et al., "In Defense of the Triplet Loss for Person Re-Identification", arXiv 1703.07737, equation 5. What
 * differs: distances are squared distances between normalized embeddings, 2 - 2 cos, as in FaceNet (arXiv 1503.03832),
 * whose margin is used too; the paper's square root has an infinite slope at 0. The mean is over the samples that have
 * pairs of both kinds.
 *
 * @param margin the difference of squared distances, in [0, 4]; 0.2 in FaceNet
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
