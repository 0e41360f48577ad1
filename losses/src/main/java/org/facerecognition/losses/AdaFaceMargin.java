package org.facerecognition.losses;

import static org.facerecognition.losses.Elementwise.clamp;
import static org.facerecognition.losses.Elementwise.plus;
import static org.facerecognition.losses.Elementwise.times;

import java.util.Map;
import java.util.function.UnaryOperator;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;

/**
 * The quality-adaptive margin of AdaFace: it emphasizes hard samples if their images are of high quality and
 * de-emphasizes them if not. The norm of the embedding serves as the measure of quality.
 *
 * <p>Kim et al., "AdaFace: Quality Adaptive Margin for Face Recognition", CVPR 2022, arXiv 2204.00964, equations 10 to
 * 13: z = clip(h (norm - mean) / std, -1, 1), and the target cosine cos(theta) becomes cos(theta - m z) - (m + m z).
 * Mean and standard deviation of the norms are moving averages. As in the authors' code, norms are clipped to
 * [0.001, 100], z has no gradient, the averages start at 20 and 100, and where theta - m z is below 0 its cosine is 1.
 * What differs: where theta - m z exceeds pi, the result keeps falling (see {@link Angles}), while theirs is flat;
 * cosines above 0.999 and below -0.999 are used as they are, while theirs are clipped there, without gradient beyond; a
 * batch of one sample does not change the standard deviation.
 *
 * @param s the scale, positive; 64 in the paper
 * @param m the margin, in [0, 2], both an angle in radians and a difference of cosines; 0.4 in the paper; 0 is
 *     normalized softmax
 * @param h the factor of the normalized norm before it is clipped, positive; 0.333 in the paper
 * @param tAlpha the weight of the newest batch in the moving averages, in [0, 1]; 0.01 in the paper
 */
public record AdaFaceMargin(double s, double m, double h, double tAlpha) implements Margin {
    private static final String MEAN = "norm_mean";
    private static final String STD = "norm_std";
    private static final double MIN_NORM = 0.001;
    private static final double MAX_NORM = 100;
    private static final double EPS = 1e-3; // added to the standard deviation

    public AdaFaceMargin {
        Checks.positive("s", s);
        Checks.within("m", m, 0, 2);
        Checks.positive("h", h);
        Checks.within("tAlpha", tAlpha, 0, 1);
    }

    /** Creates a margin with the paper's h and tAlpha. */
    public AdaFaceMargin(double s, double m) {
        this(s, m, 0.333, 0.01);
    }

    @Override
    public Margin scaledBy(double factor) {
        return new AdaFaceMargin(s, m * factor, h, tAlpha);
    }

    @Override
    public Map<String, Double> state() {
        return Map.of(MEAN, 20.0, STD, 100.0);
    }

    @Override
    public void observe(Targets targets, UnaryOperator<Tensor> negativesLogSumExp) {
        Tensor norms = clippedNorms(targets); // [B]
        update(targets.stateTensor(MEAN), norms.mean());
        if (norms.numel() > 1) {
            update(targets.stateTensor(STD), norms.std(true));
        }
    }

    private void update(Tensor average, Tensor newest) {
        try (Scalar decay = new Scalar(1 - tAlpha)) {
            Head.update(average, average.mul(decay).add_(times(newest, tAlpha)));
        }
    }

    private static Tensor clippedNorms(Targets targets) {
        return clamp(targets.norms().detach(), MIN_NORM, MAX_NORM);
    }

    @Override
    public Tensor apply(Targets targets) {
        Tensor mean = targets.stateTensor(MEAN);
        Tensor std = targets.stateTensor(STD);
        Tensor normalized = clippedNorms(targets).sub(mean).div(plus(std, EPS)); // [B]
        Tensor z = clamp(times(normalized, h), -1, 1); // [B]
        Tensor angular = times(z, -m); // [B]
        Tensor additive = plus(times(z, m), m); // [B]
        return Angles.cosThetaPlus(targets.cosine(), angular).sub(additive);
    }
}
