package org.facerecognition.train;

import org.facerecognition.distributed.Distributed;

/**
 * Whether a training runs in several processes, and what they share beside gradients. The training is the same for
 * every number of processes: each batch has the same samples, of which every process computes a part, and the loss is
 * that of the whole batch. Two things depend on the number unless they are absent or, the first, synchronized: the
 * statistics of batch normalization, and the random numbers of dropout and stochastic depth; with these, on a CPU, also
 * those that a head draws, because one process draws both from one stream.
 *
 * @param group of processes; borrowed
 * @param syncBatchNorm whether batch normalization takes mean and variance over all processes, which makes it the same
 *     for every number of them, at the price of two small messages a layer; without, each process normalizes its own
 *     part of a batch. Only for the library's own encoders, and not for frozen layers whose output is cached
 * @param shardHead whether each process has a share of the class centers, with their gradients and optimizer state, as
 *     in Partial FC (An et al., CVPR 2022), instead of all of them. Only for margin-softmax heads with plain
 *     cross-entropy. After the training, each process has all centers again
 */
public record DataParallel(Distributed group, boolean syncBatchNorm, boolean shardHead) {
    /** One process alone. */
    public static final DataParallel NONE = new DataParallel(Distributed.alone(), false, false);

    /** @throws IllegalArgumentException when there is no group */
    public DataParallel {
        Bounds.given("distributed", group);
    }
}
