package org.facerecognition.losses;

import static org.bytedeco.pytorch.global.torch.where;
import static org.facerecognition.losses.Elementwise.times;

import java.util.Map;
import java.util.function.UnaryOperator;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;

/**
 * The margin of CurricularFace: ArcFace's angular margin, plus a weight on hard negatives (those with a larger cosine
 * than the target has after its margin) that is small at first and grows as training proceeds.
 *
 * <p>Huang et al., "CurricularFace: Adaptive Curriculum Learning Loss for Deep Face Recognition", CVPR 2020, arXiv
 * 2004.00288, equations 4 and 7: cos(theta_j) becomes cos(theta_j) (t + cos(theta_j)) where it is above cos(theta_y +
 * m); t is a moving average of the batches' mean target cosine, with a decay of 0.99, starting from 0. What differs:
 * beyond theta = pi - m the target keeps falling (see {@link Angles}) and negatives are compared with that, while the
 * authors' code jumps.
 *
 * @param s the scale, positive; 64 in the paper
 * @param m the margin in radians, in [0, pi); 0.5 in the paper
 * @param weighting the strength of the weight on hard negatives, in [0, 1]; 1 in the paper, 0 for ArcFace alone
 */
public record CurricularFaceMargin(double s, double m, double weighting) implements Margin {
    private static final String T = "t";
    private static final double DECAY = 0.99;

    public CurricularFaceMargin {
        Checks.positive("s", s);
        Checks.radians("m", m);
        Checks.within("weighting", weighting, 0, 1);
    }

    /** Creates a margin with the paper's full weight on hard negatives. */
    public CurricularFaceMargin(double s, double m) {
        this(s, m, 1);
    }

    @Override
    public Margin scaledBy(double factor) {
        return new CurricularFaceMargin(s, m * factor, weighting * factor);
    }

    @Override
    public Map<String, Double> state() {
        return Map.of(T, 0.0);
    }

    @Override
    public void observe(Targets targets, UnaryOperator<Tensor> negativesLogSumExp) {
        try (Scalar decay = new Scalar(DECAY)) {
            Tensor t = targets.stateTensor(T);
            Head.update(t, t.mul(decay).add_(times(targets.cosine().mean(), 1 - DECAY)));
        }
    }

    @Override
    public Tensor apply(Targets targets) {
        return Angles.cosThetaPlus(targets.cosine(), m);
    }

    @Override
    public boolean changesNegatives() {
        return true;
    }

    @Override
    public Tensor negatives(Tensor cosines, Tensor targetWithMargin, Targets targets) {
        Tensor hard = cosines.gt(targetWithMargin.unsqueeze(1)); // [B, c]
        Tensor weighted = cosines.mul(cosines.add(targets.stateTensor(T))); // [B, c]
        if (weighting < 1) {
            weighted = cosines.add(times(weighted.sub(cosines), weighting));
        }
        return where(hard, weighted, cosines);
    }
}
