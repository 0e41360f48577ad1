package org.facerecognition.losses;

import static org.facerecognition.losses.Elementwise.plus;

import org.bytedeco.pytorch.Tensor;

/**
 * The random cosine margin of ElasticFace-Cos: the target cosine cos(theta) becomes cos(theta) - m', with m' sampled
 * from N(m, sigma) for each sample in each step.
 *
 * <p>Boutros et al., "ElasticFace: Elastic Margin Loss for Deep Face Recognition", CVPR workshops 2022, arXiv
 * 2109.09416, equation 6. Outside training m' is m. Random numbers are drawn as in {@link ElasticArcMargin}.
 * Implemented as published.
 *
 * @param s the scale, positive; 64 in the paper
 * @param m the mean of the margin, a difference of cosines, in [0, 2]; 0.35 in the paper
 * @param sigma the standard deviation of the margin, in [0, 0.5]; 0.05 in the paper
 */
public record ElasticCosMargin(double s, double m, double sigma) implements Margin {
    public ElasticCosMargin {
        Checks.positive("s", s);
        Checks.within("m", m, 0, 2);
        Checks.within("sigma", sigma, 0, 0.5);
    }

    /** Creates a margin with the paper's sigma. */
    public ElasticCosMargin(double s, double m) {
        this(s, m, 0.05);
    }

    @Override
    public Margin scaledBy(double factor) {
        return new ElasticCosMargin(s, m * factor, sigma * factor);
    }

    @Override
    public Tensor apply(Targets targets) {
        Tensor cosine = targets.cosine(); // [B]
        return targets.training() ? cosine.sub(ElasticArcMargin.sample(cosine, m, sigma)) : plus(cosine, -m);
    }
}
