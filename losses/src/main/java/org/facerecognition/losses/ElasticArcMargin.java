package org.facerecognition.losses;

import static org.facerecognition.losses.Elementwise.plus;
import static org.facerecognition.losses.Elementwise.times;

import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.facerecognition.natives.RandomStream;

/**
 * The random angular margin of ElasticFace-Arc: the target's cosine becomes cos(theta + m'), m' drawn from N(m, sigma) for
 * each sample of each step.
 *
 * <p>Boutros et al., "ElasticFace: Elastic Margin Loss for Deep Face Recognition", CVPR workshops 2022, arXiv 2109.09416,
 * equation 5. Not in training m' is m. Draws come from libtorch's CPU generator on any device, whose state a backup keeps.
 * Beyond theta = pi - m' the cosine falls on (see {@link Angles}); a draw below 0 is taken as it is. The paper's variant that
 * deals larger draws to easier samples (ElasticFace+) is not here.
 *
 * @param s scale, positive; 64 in the paper
 * @param m mean of the margin in radians, in [0, pi); 0.5 in the paper
 * @param sigma its standard deviation in radians, in [0, 0.5]; 0.05 in the paper
 */
public record ElasticArcMargin(double s, double m, double sigma) implements Margin {
    public ElasticArcMargin {
        Checks.positive("s", s);
        Checks.radians("m", m);
        Checks.within("sigma", sigma, 0, 0.5);
    }

    /** With the paper's sigma. */
    public ElasticArcMargin(double s, double m) {
        this(s, m, 0.05);
    }

    @Override
    public Margin scaledBy(double share) {
        return new ElasticArcMargin(s, m * share, sigma * share);
    }

    @Override
    public Tensor apply(Targets targets) {
        return targets.training()
                ? Angles.cosThetaPlus(targets.cosine(), draw(targets.cosine(), m, sigma))
                : Angles.cosThetaPlus(targets.cosine(), m);
    }

    /** [B] margins, of the cosines' type and device. */
    static Tensor draw(Tensor cosine, double m, double sigma) {
        Tensor normal = torch.empty(cosine.size(0));
        normal.normal_(0, 1, RandomStream.generatorFor(normal));
        return plus(times(normal, sigma), m).to(cosine.device(), cosine.scalar_type());
    }
}
