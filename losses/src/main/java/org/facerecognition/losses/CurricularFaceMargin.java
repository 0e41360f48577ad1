package org.facerecognition.losses;

import static org.bytedeco.pytorch.global.torch.where;
import static org.facerecognition.losses.Elementwise.times;

import java.util.Map;
import java.util.function.UnaryOperator;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;

/**
 * The curriculum of CurricularFace: ArcFace's margin, and wrong identities that are nearer than the right one after its
 * margin are weighted: little at first, more as training gets on.
 *
 * <p>Huang et al., "CurricularFace: Adaptive Curriculum Learning Loss for Deep Face Recognition", CVPR 2020, arXiv
 * 2004.00288, equations 4 and 7: cos(theta_j) becomes cos(theta_j) (t + cos(theta_j)) where it is above cos(theta_y + m); t
 * is the moving average of the batches' mean target cosine, from 0, with .99 kept. What differs: beyond theta = pi - m we
 * fall on (see {@link Angles}) and compare with that, where the authors' code jumps.
 *
 * @param s scale, positive; 64 in the paper
 * @param m margin in radians, in [0, pi); 0.5 in the paper
 * @param weighting how far wrong identities are weighted, in [0, 1]; 1 in the paper, 0 for ArcFace alone
 */
public record CurricularFaceMargin(double s, double m, double weighting) implements Margin {
    private static final String T = "t";
    private static final double KEPT = 0.99;

    public CurricularFaceMargin {
        Checks.positive("s", s);
        Checks.radians("m", m);
        Checks.within("weighting", weighting, 0, 1);
    }

    /** As in the paper. */
    public CurricularFaceMargin(double s, double m) {
        this(s, m, 1);
    }

    @Override
    public Margin scaledBy(double share) {
        return new CurricularFaceMargin(s, m * share, weighting * share);
    }

    @Override
    public Map<String, Double> state() {
        return Map.of(T, 0.0);
    }

    @Override
    public void observe(Targets targets, UnaryOperator<Tensor> othersLogSum) {
        try (Scalar kept = new Scalar(KEPT)) {
            targets.state().get(T).mul_(kept).add_(times(targets.cosine().mean(), 1 - KEPT));
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
        Tensor weighted = cosines.mul(cosines.add(targets.state().get(T))); // [B, c]
        if (weighting < 1) {
            weighted = cosines.add(times(weighted.sub(cosines), weighting));
        }
        return where(hard, weighted, cosines);
    }
}
