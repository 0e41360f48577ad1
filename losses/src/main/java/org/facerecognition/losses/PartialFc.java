package org.facerecognition.losses;

import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.T_TensorTensor_T;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.facerecognition.natives.RandomStream;
import org.jspecify.annotations.Nullable;

/**
 * Partial FC: each training step uses a fraction of the identities, those of the batch and randomly sampled others.
 *
 * <p>An et al., "Killing Two Birds with One Stone: Efficient and Robust Training of Face Recognition CNNs by Partial
 * FC", CVPR 2022, arXiv 2203.15565; insightface's arcface_torch/partial_fc_v2.py is its code. As there, fraction * C
 * identities are used: those of the batch and others sampled without replacement, or only those of the batch if they
 * are more. On every device the random numbers come from libtorch's CPU generator, so that a training that resumes from
 * a checkpoint samples the same identities as an uninterrupted one.
 *
 * @param fraction the fraction of the identities, in (0, 1]; 0.1 to 0.3 in the paper
 */
record PartialFc(double fraction) {
    private static final double TARGET_SCORE = 2; // above all values of rand

    PartialFc {
        check(fraction);
    }

    static void check(double fraction) {
        if (!(fraction > 0 && fraction <= 1)) {
            throw new IllegalArgumentException("partialFraction must be in (0, 1], but was " + fraction);
        }
    }

    /** Returns whether every step uses all identities. */
    boolean isOfAll() {
        return fraction == 1;
    }

    /**
     * The rows of the centers that a step uses, for S sampled identities; scoped, on the device of the centers.
     *
     * @param rows [S * K], int64, ascending
     * @param values [S * K, D], a copy of these rows that gets the gradient
     * @param labels [B], int64, in [0, S), the positions of the labels among the sampled identities; -1 if the center
     *     is in another process
     */
    record Sample(Tensor rows, Tensor values, Tensor labels) {}

    /**
     * Samples identities for a batch.
     *
     * @param labels [B], int64, in [0, C), on any device
     * @param classes C
     * @param centers [C * K, D], or those of a share of the identities
     * @param subCenters K
     * @param shard null if all centers are here
     */
    Sample draw(Tensor labels, int classes, Tensor centers, int subCenters, @Nullable ClassShard shard) {
        try (NoGradGuard noGrad = new NoGradGuard()) {
            Tensor identities =
                    identities(labels.cpu(), classes).to(centers.device(), ScalarType.Long); // [S] of all processes
            Tensor labelsOnDevice = labels.to(centers.device(), ScalarType.Long); // [B]
            if (shard != null) {
                identities = identities.masked_select(isIn(shard, identities)).sub(new Scalar((long) shard.from()));
            }
            Tensor rows = identities;
            if (subCenters > 1) {
                Tensor offsets = torch.arange(new Scalar((long) subCenters), identities.options()); // [K]
                Tensor first = identities.mul(new Scalar((long) subCenters)).unsqueeze(1); // [S, 1]
                rows = first.add(offsets).flatten(); // [S * K]
            }
            Tensor values = centers.index_select(0, rows);
            values.set_requires_grad(centers.requires_grad());
            if (shard == null) {
                return new Sample(rows, values, torch.searchsorted(identities, labelsOnDevice));
            }
            Tensor positions = torch.searchsorted(identities, labelsOnDevice.sub(new Scalar((long) shard.from())));
            positions.masked_fill_(isIn(shard, labelsOnDevice).logical_not(), new Scalar(-1L));
            return new Sample(rows, values, positions);
        }
    }

    private static Tensor isIn(ClassShard shard, Tensor identities) {
        return identities.ge(new Scalar((long) shard.from())).logical_and(identities.lt(new Scalar((long) shard.to())));
    }

    private Tensor identities(Tensor labels, long classes) {
        if (isOfAll()) {
            return torch.arange(new Scalar(classes), labels.options()); // the whole head, without random numbers
        }
        Tensor scores = torch.empty(classes); // [C], the highest are sampled
        scores.uniform_(0, 1, RandomStream.generatorFor(scores));
        scores.index_fill_(0, labels, new Scalar(TARGET_SCORE));
        long targets = scores.eq(new Scalar(TARGET_SCORE)).sum().item_long();
        long count = Math.max(targets, Math.max(1, (long) (fraction * classes)));
        try (T_TensorTensor_T highest = scores.topk(count, 0, true, false);
                T_TensorTensor_T sorted = highest.get1().sort(0, false)) {
            return new Tensor(sorted.get0()); // get0 returns a part of the pair, which is closed
        }
    }
}
