package org.facerecognition.losses;

import static org.facerecognition.losses.Elementwise.times;

import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * Supervised contrastive loss: for each sample a softmax over the other samples of the batch, with those of its
 * identity as the targets.
 *
 * <p>Khosla et al., "Supervised Contrastive Learning", NeurIPS 2020, arXiv 2004.11362, equation 2 (the sum over
 * positives is outside the logarithm). What differs: each image appears in one view and there is no projection head;
 * the mean is over the samples that have a positive; and the factor of the authors' code, temperature / 0.07, is
 * omitted.
 *
 * @param s the scale of the cosines, positive, the inverse of the temperature; 10 in the paper
 */
public record SupervisedContrastive(double s) implements PairLoss {
    private static final double EXCLUDED = -6e4; // a logit without weight; finite: no 0 / 0 in a batch of one

    public SupervisedContrastive {
        Checks.positive("s", s);
    }

    @Override
    public Tensor of(Pairs pairs) {
        Tensor logits = times(pairs.cosines(), s); // [B, B]
        Tensor all = Pairs.masked(logits, pairs.same().logical_or(pairs.different()), EXCLUDED)
                .logsumexp(1); // [B]
        Tensor positives = Pairs.masked(logits, pairs.same(), 0).sum(1); // [B]
        Tensor count = pairs.same().sum(1); // [B]
        Tensor mean = positives.div(torch.max(count, torch.ones_like(count)));
        return Pairs.mean(all.sub(mean), pairs.same().any(1));
    }
}
