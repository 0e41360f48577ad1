package org.facerecognition.losses;

import org.bytedeco.pytorch.Tensor;

/**
 * A loss that compares the samples of a batch with each other and has no centers. A function of the cosines between
 * normalized embeddings; a {@link MetricHead} makes a head of it.
 *
 * <p>Batches must hold several samples of some identities: 16 people with 4 images each, say.
 */
public interface PairLoss {
    /**
     * The loss of a batch.
     *
     * @return a scalar with gradient; 0 where the batch has no pairs to learn from
     */
    Tensor of(Pairs pairs);
}
