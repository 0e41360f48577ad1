package org.facerecognition.losses;

import org.bytedeco.pytorch.Tensor;

/**
 * A loss that compares the samples of a batch with each other and has no centers. It is a function of the cosines
 * between normalized embeddings; {@link MetricHead} turns it into a head.
 *
 * <p>Batches must contain several samples of some identities, for example 16 people with 4 images each.
 */
public interface PairLoss {
    /**
     * Computes the loss of a batch.
     *
     * @param pairs the pairs of the batch; borrowed
     * @return a scalar with gradient, scoped; 0 if the batch has no pairs to learn from
     */
    Tensor of(Pairs pairs);
}
