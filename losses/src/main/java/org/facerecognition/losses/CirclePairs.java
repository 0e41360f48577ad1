package org.facerecognition.losses;

import static org.facerecognition.losses.Elementwise.times;

import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * Circle loss among the samples of a batch, without identity centers.
 *
 * <p>Sun et al., arXiv 2002.10857, equation 6, for each sample: ln(1 + sum_j exp(s wrong(c_j)) sum_i exp(-s right(c_i))) over
 * the cosines c_j to samples of other identities and c_i to those of its own; see {@link CircleMargin} for the weighted
 * cosines. The mean is over samples that have pairs of both kinds.
 *
 * @param s scale, gamma in the paper, positive; 256 there for faces
 * @param m relaxation, in [0, 1]; 0.25 in the paper for faces
 */
public record CirclePairs(double s, double m) implements PairLoss {
    private static final double NEVER = -1e6; // as a logit

    public CirclePairs {
        Checks.positive("s", s);
        Checks.within("m", m, 0, 1);
    }

    @Override
    public Tensor of(Pairs pairs) {
        Tensor right = times(CircleMargin.right(pairs.cosines(), m), -s); // [B, B]
        Tensor wrong = times(CircleMargin.wrong(pairs.cosines(), m), s); // [B, B]
        Tensor sum = Pairs.kept(right, pairs.same(), NEVER)
                .logsumexp(1)
                .add(Pairs.kept(wrong, pairs.different(), NEVER).logsumexp(1)); // [B]
        return Pairs.mean(torch.softplus(sum), pairs.withBoth());
    }
}
