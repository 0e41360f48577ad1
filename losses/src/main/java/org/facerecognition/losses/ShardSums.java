package org.facerecognition.losses;

import java.util.function.UnaryOperator;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarOptional;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Sums over the processes of a sharded head. Without a shard all centers are in this process, and there is nothing to
 * add.
 *
 * @param shard null if all centers are here
 */
record ShardSums(@Nullable ClassShard shard) {
    /** Replaces a contiguous tensor by its sum over all processes. */
    void sum(Tensor mine) {
        if (shard != null) {
            shard.sum(mine);
        }
    }

    /**
     * Returns the cosines to the target centers, each computed by the process that has the center.
     *
     * @param labels [B], int64; outside [0, classes) if the center is in another process
     * @param unit [B, D]
     * @param classes the number of identities in this process
     * @param mine computes the cosines to the centers of labels in [0, classes): [B] to [B, 1]
     * @return [B, 1]
     */
    Tensor targets(Tensor labels, Tensor unit, int classes, UnaryOperator<Tensor> mine) {
        if (shard == null) {
            return mine.apply(labels);
        }
        Tensor all = unit.new_zeros(unit.size(0), 1);
        if (classes > 0) {
            Tensor bounded = labels.clamp(
                    new ScalarOptional(new Scalar(0L)), new ScalarOptional(new Scalar((long) classes - 1)));
            all.copy_(mine.apply(bounded)).masked_fill_(labels.ne(bounded).unsqueeze(1), new Scalar(0.0));
        }
        shard.sum(all);
        return all;
    }

    /**
     * Returns the logarithms of sums of exp over all chunks of all processes, the same in each process to the last bit.
     *
     * @param chunks [chunks, B], of the chunks of this process, of which there may be none
     * @return [B]
     */
    Tensor logSumExp(Tensor chunks) {
        if (shard == null) {
            return chunks.logsumexp(0);
        }
        Tensor mine = chunks.size(0) > 0
                ? chunks.logsumexp(0)
                : chunks.new_full(new long[] {chunks.size(1)}, new Scalar(Double.NEGATIVE_INFINITY));
        return shard.gather(mine).logsumexp(0);
    }
}
