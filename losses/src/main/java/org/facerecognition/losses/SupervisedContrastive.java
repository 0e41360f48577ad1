package org.facerecognition.losses;

import static org.facerecognition.losses.Elementwise.times;

import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * Supervised contrastive loss: for each sample a softmax over the batch's others, those of its own identity being right.
 *
 * <p>Khosla et al., "Supervised Contrastive Learning", NeurIPS 2020, arXiv 2004.11362, equation 2 (the logarithm inside the
 * sum over right ones). What differs: one view of each image, no projection head. The mean is over samples that have another
 * of their identity; the authors' code also multiplies with the temperature over .07.
 *
 * @param s scale of the cosines, one over the temperature; 10 in the paper
 */
public record SupervisedContrastive(double s) implements PairLoss {
    private static final double NEVER = -1e6; // as a logit; finite, so that a batch of one has no 0 / 0

    public SupervisedContrastive {
        Checks.positive("s", s);
    }

    @Override
    public Tensor of(Pairs pairs) {
        Tensor logits = times(pairs.cosines(), s); // [B, B]
        Tensor all = Pairs.kept(logits, pairs.same().logical_or(pairs.different()), NEVER)
                .logsumexp(1); // [B]
        Tensor right = Pairs.kept(logits, pairs.same(), 0).sum(1); // [B]
        Tensor count = pairs.same().sum(1); // [B]
        Tensor mean = right.div(torch.max(count, torch.ones_like(count)));
        return Pairs.mean(all.sub(mean), pairs.same().any(1));
    }
}
