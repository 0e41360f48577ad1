package org.facerecognition.losses;

import static org.facerecognition.losses.Elementwise.atLeast;
import static org.facerecognition.losses.Elementwise.times;

import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * The cross-entropy at the end of a softmax head, plain or with label smoothing, focal weighting or both.
 *
 * <p>Label smoothing: Szegedy et al., arXiv 1512.00567, section 7, as torch has it: a share e of the target is spread evenly
 * over all identities, -(1 - e) ln p_y - e / C sum_j ln p_j. Focal: Lin et al., "Focal Loss for Dense Object Detection",
 * ICCV 2017, arXiv 1708.02002, equation 4: each sample's loss is weighted by (1 - p_y)^gamma, with the weight's gradient.
 * (Face code often weights the mean of the batch in place of each sample.) With a margin, p is that after the margin.
 *
 * @param labelSmoothing e, in [0, 1); 0 for none
 * @param focalGamma gamma, at least 0; 0 for none, 2 in the paper
 */
public record CrossEntropy(double labelSmoothing, double focalGamma) {
    /** Plain. */
    public static final CrossEntropy PLAIN = new CrossEntropy(0, 0);

    private static final double MIN_DOUBT = 1e-12; // a power below 1 has no slope at 0

    public CrossEntropy {
        if (!(labelSmoothing >= 0 && labelSmoothing < 1)) {
            throw new IllegalArgumentException("labelSmoothing must be in [0, 1), but was " + labelSmoothing);
        }
        Checks.atLeast("focalGamma", focalGamma, 0);
    }

    /**
     * The mean loss of a batch.
     *
     * @param logits [B, C]
     * @param labels [B], int64
     * @return a scalar with gradient
     */
    Tensor of(Tensor logits, Tensor labels) {
        if (equals(PLAIN)) {
            return torch.cross_entropy(logits, labels);
        }
        Tensor logs = torch.log_softmax(logits, 1); // [B, C]
        Tensor target = logs.gather(1, labels.unsqueeze(1)).squeeze(1); // [B]
        Tensor each = times(target, labelSmoothing - 1).sub(times(logs.mean(1), labelSmoothing)); // [B]
        if (focalGamma == 0) {
            return each.mean();
        }
        Tensor doubt = atLeast(target.expm1().neg(), MIN_DOUBT); // [B], 1 - p without cancellation
        try (Scalar gamma = new Scalar(focalGamma)) {
            return doubt.pow(gamma).mul(each).mean();
        }
    }
}
