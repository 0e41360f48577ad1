package org.facerecognition.losses;

import static org.facerecognition.losses.Elementwise.plus;

import org.bytedeco.pytorch.Tensor;

/**
 * The random cosine margin of ElasticFace-Cos: the target's cosine becomes cos(theta) - m', m' drawn from N(m, sigma) for
 * each sample of each step.
 *
 * <p>Boutros et al., arXiv 2109.09416, equation 6. Not in training m' is m; see {@link ElasticArcMargin} for the draws.
 *
 * @param s scale, positive; 64 in the paper
 * @param m mean of the margin, a difference of cosines, in [0, 2]; 0.35 in the paper
 * @param sigma its standard deviation, in [0, 0.5]; 0.05 in the paper
 */
public record ElasticCosMargin(double s, double m, double sigma) implements Margin {
    public ElasticCosMargin {
        Checks.positive("s", s);
        Checks.within("m", m, 0, 2);
        Checks.within("sigma", sigma, 0, 0.5);
    }

    /** With the paper's sigma. */
    public ElasticCosMargin(double s, double m) {
        this(s, m, 0.05);
    }

    @Override
    public Margin scaledBy(double share) {
        return new ElasticCosMargin(s, m * share, sigma * share);
    }

    @Override
    public Tensor apply(Targets targets) {
        Tensor cosine = targets.cosine(); // [B]
        return targets.training() ? cosine.sub(ElasticArcMargin.draw(cosine, m, sigma)) : plus(cosine, -m);
    }
}
