package org.facerecognition.losses;

import static org.facerecognition.losses.Elementwise.plus;
import static org.facerecognition.losses.Elementwise.times;

import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.facerecognition.natives.RandomStream;

/**
 * The random angular margin of ElasticFace-Arc: the target cosine cos(theta) becomes cos(theta + m'), with m' sampled
 * from N(m, sigma) for each sample in each step.
 *
 * <p>Boutros et al., "ElasticFace: Elastic Margin Loss for Deep Face Recognition", CVPR workshops 2022, arXiv
 * 2109.09416, equation 5. Outside training m' is m. On every device the samples come from libtorch's CPU generator,
 * whose state a checkpoint contains. Negative margins are used as sampled. What differs: beyond theta = pi - m' the
 * result keeps falling (see {@link Angles}); where a negative margin makes theta + m' negative, the result is 1, while
 * theirs falls again. The paper's variant ElasticFace+, which assigns larger margins to easier samples, is not
 * implemented.
 *
 * @param s the scale, positive; 64 in the paper
 * @param m the mean of the margin in radians, in [0, pi); 0.5 in the paper
 * @param sigma the standard deviation of the margin in radians, in [0, 0.5]; 0.05 in the paper
 */
public record ElasticArcMargin(double s, double m, double sigma) implements Margin {
    public ElasticArcMargin {
        Checks.positive("s", s);
        Checks.radians("m", m);
        Checks.within("sigma", sigma, 0, 0.5);
    }

    /** Creates a margin with the paper's sigma. */
    public ElasticArcMargin(double s, double m) {
        this(s, m, 0.05);
    }

    @Override
    public Margin scaledBy(double factor) {
        return new ElasticArcMargin(s, m * factor, sigma * factor);
    }

    @Override
    public Tensor apply(Targets targets) {
        return targets.training()
                ? Angles.cosThetaPlus(targets.cosine(), sample(targets.cosine(), m, sigma))
                : Angles.cosThetaPlus(targets.cosine(), m);
    }

    /** Returns [B] random margins, of the type and on the device of the cosines. */
    static Tensor sample(Tensor cosine, double m, double sigma) {
        Tensor normal = torch.empty(cosine.size(0));
        normal.normal_(0, 1, RandomStream.generatorFor(normal));
        return plus(times(normal, sigma), m).to(cosine.device(), cosine.scalar_type());
    }
}
