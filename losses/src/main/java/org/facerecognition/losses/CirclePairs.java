package org.facerecognition.losses;

import static org.facerecognition.losses.Elementwise.times;

import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * Circle loss among the samples of a batch, without identity centers.
 *
 * <p>Sun et al., "Circle Loss: A Unified Perspective of Pair Similarity Optimization", CVPR 2020, arXiv 2002.10857,
 * equation 6, for each sample: ln(1 + sum_j exp(s n(c_j)) sum_i exp(-s p(c_i))) over the cosines c_j to samples of
 * other identities and c_i to samples of the same identity, with the weighted cosines n and p of {@link CircleMargin}.
 * The mean is over the samples that have pairs of both kinds.
 *
 * @param s the scale, gamma in the paper, positive; 256 in the paper for faces
 * @param m the relaxation, in [0, 1]; 0.25 in the paper for faces
 */
public record CirclePairs(double s, double m) implements PairLoss {
    private static final double EXCLUDED = -6e4; // a logit without weight

    public CirclePairs {
        Checks.positive("s", s);
        Checks.within("m", m, 0, 1);
    }

    @Override
    public Tensor of(Pairs pairs) {
        Tensor positives = times(CircleMargin.positive(pairs.cosines(), m), -s); // [B, B]
        Tensor negatives = times(CircleMargin.negative(pairs.cosines(), m), s); // [B, B]
        Tensor sum = Pairs.masked(positives, pairs.same(), EXCLUDED)
                .logsumexp(1)
                .add(Pairs.masked(negatives, pairs.different(), EXCLUDED).logsumexp(1)); // [B]
        return Pairs.mean(torch.softplus(sum), pairs.withBoth());
    }
}
