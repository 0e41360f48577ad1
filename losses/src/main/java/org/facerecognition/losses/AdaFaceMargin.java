package org.facerecognition.losses;

import static org.facerecognition.losses.Elementwise.clamp;
import static org.facerecognition.losses.Elementwise.plus;
import static org.facerecognition.losses.Elementwise.times;

import java.util.Map;
import java.util.function.UnaryOperator;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;

/**
 * The quality-adaptive margin of AdaFace: hard samples count more when their images are good, less when they are bad; the
 * embedding's length stands for the quality.
 *
 * <p>Kim et al., "AdaFace: Quality Adaptive Margin for Face Recognition", CVPR 2022, arXiv 2204.00964, equations 10 to 13:
 * z = clip(h (norm - mean) / deviation, -1, 1), and the target's cosine becomes cos(theta - m z) - (m + m z). Mean and
 * deviation of the norms are moving averages; lengths are clipped to [0.001, 100] and z has no gradient, as in the authors'
 * code, whose starting values (20 and 100) are taken too. Where theta - m z is below 0 the cosine is 1, as there; where it
 * passes pi it falls on (see {@link Angles}), where theirs is flat. A batch of one sample leaves the deviation as it is.
 *
 * @param s scale, positive; 64 in the paper
 * @param m margin, in [0, 2): radians, and a difference of cosines; 0.4 in the paper; 0 is normalized softmax
 * @param h how much of the spread of norms is told apart, positive; 0.333 in the paper
 * @param tAlpha share of the newest batch in the moving averages, in [0, 1]; 0.01 in the paper
 */
public record AdaFaceMargin(double s, double m, double h, double tAlpha) implements Margin {
    private static final String MEAN = "norm_mean";
    private static final String DEVIATION = "norm_std";
    private static final double SHORTEST = 0.001;
    private static final double LONGEST = 100;
    private static final double EPS = 1e-3; // added to the deviation

    public AdaFaceMargin {
        Checks.positive("s", s);
        Checks.within("m", m, 0, 2);
        Checks.positive("h", h);
        Checks.within("tAlpha", tAlpha, 0, 1);
    }

    /** With the paper's h and tAlpha. */
    public AdaFaceMargin(double s, double m) {
        this(s, m, 0.333, 0.01);
    }

    @Override
    public Margin scaledBy(double share) {
        return new AdaFaceMargin(s, m * share, h, tAlpha);
    }

    @Override
    public Map<String, Double> state() {
        return Map.of(MEAN, 20.0, DEVIATION, 100.0);
    }

    @Override
    public void observe(Targets targets, UnaryOperator<Tensor> othersLogSum) {
        Tensor norms = norms(targets);
        move(targets.state().get(MEAN), norms.mean());
        if (norms.numel() > 1) {
            move(targets.state().get(DEVIATION), norms.std(true));
        }
    }

    private void move(Tensor average, Tensor newest) {
        try (Scalar kept = new Scalar(1 - tAlpha)) {
            average.mul_(kept).add_(times(newest, tAlpha));
        }
    }

    private static Tensor norms(Targets targets) {
        return clamp(targets.norms().detach(), SHORTEST, LONGEST);
    }

    @Override
    public Tensor apply(Targets targets) {
        Tensor mean = targets.state().get(MEAN);
        Tensor std = targets.state().get(DEVIATION);
        Tensor spread = norms(targets).sub(mean).div(plus(std, EPS)); // [B]
        Tensor z = clamp(times(spread, h), -1, 1); // [B]
        Tensor angular = times(z, -m); // [B]
        Tensor additive = plus(times(z, m), m); // [B]
        return Angles.cosThetaPlus(targets.cosine(), angular).sub(additive);
    }
}
