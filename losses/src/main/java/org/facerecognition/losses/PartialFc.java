package org.facerecognition.losses;

import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.T_TensorTensor_T;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.facerecognition.natives.RandomStream;

/**
 * Partial FC: a training step works with the batch's own identities and random others, a share of all together.
 *
 * <p>An et al., "Killing Two Birds with One Stone: Efficient and Robust Training of Face Recognition CNNs by Partial FC", CVPR
 * 2022, arXiv 2203.15565; insightface's arcface_torch/partial_fc_v2.py is its code. As there: fraction * C identities, the
 * batch's among them, the others without replacement; just the batch's where they are more. The draw is libtorch's CPU
 * generator's, on any device, so that a training that goes on from a backup draws as it would have.
 *
 * @param fraction of the identities, in (0, 1]; 0.1 to 0.3 in the paper
 */
record PartialFc(double fraction) {
    private static final double CHOSEN = 2; // above all that rand gives

    PartialFc {
        check(fraction);
    }

    static void check(double fraction) {
        if (!(fraction > 0 && fraction <= 1)) {
            throw new IllegalArgumentException("partialFraction must be in (0, 1], but was " + fraction);
        }
    }

    /**
     * Rows of the centers that a step works with.
     *
     * @param rows [S * K], int64, ascending
     * @param values [S * K, D], a copy of them that gets the gradient
     * @param labels [B], int64, in [0, S): where the labels are among the sampled identities
     */
    record Sample(Tensor rows, Tensor values, Tensor labels) {}

    /**
     * Draws for a batch.
     *
     * @param labels [B], int64, in [0, C), on any device; what is drawn lies on the centers'
     * @param centers [C * K, D]
     * @param subCenters K
     */
    Sample draw(Tensor labels, Tensor centers, int subCenters) {
        try (NoGradGuard noGrad = new NoGradGuard()) {
            Tensor identities =
                    identities(labels.cpu(), centers.size(0) / subCenters).to(centers.device(), ScalarType.Long); // [S]
            Tensor rows = identities;
            if (subCenters > 1) {
                Tensor offsets = torch.arange(new Scalar((long) subCenters), identities.options()); // [K]
                Tensor first = identities.mul(new Scalar((long) subCenters)).unsqueeze(1); // [S, 1]
                rows = first.add(offsets).flatten(); // [S * K]
            }
            Tensor values = centers.index_select(0, rows);
            values.set_requires_grad(centers.requires_grad());
            Tensor there = labels.to(centers.device(), ScalarType.Long); // [B]
            return new Sample(rows, values, torch.searchsorted(identities, there));
        }
    }

    private Tensor identities(Tensor labels, long classes) {
        if (fraction == 1) {
            return torch.arange(new Scalar(classes), labels.options()); // and nothing drawn: the whole head
        }
        Tensor scores = torch.empty(classes); // [C]
        scores.uniform_(0, 1, RandomStream.generatorFor(scores));
        scores.index_fill_(0, labels, new Scalar(CHOSEN));
        long target = scores.eq(new Scalar(CHOSEN)).sum().item_long();
        long count = Math.max(target, Math.max(1, (long) (fraction * classes)));
        try (T_TensorTensor_T chosen = scores.topk(count, 0, true, false);
                T_TensorTensor_T sorted = chosen.get1().sort(0, false)) {
            return new Tensor(sorted.get0()); // what get0 gives lies in the pair
        }
    }
}
