package org.facerecognition.losses;

import static org.facerecognition.losses.Elementwise.atLeast;
import static org.facerecognition.losses.Elementwise.times;

import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * The cross-entropy at the end of a softmax head: plain, or with label smoothing, focal weighting or both.
 *
 * <p>Label smoothing: Szegedy et al., "Rethinking the Inception Architecture for Computer Vision", CVPR 2016, arXiv
 * 1512.00567, section 7, as in torch: a part e of the target is spread evenly over all identities,
 * -(1 - e) ln p_y - e / C sum_j ln p_j. With Partial FC these are the sampled identities in training, and all outside
 * of it, so that the losses of the two cannot be compared.
 *
 * <p>Focal weighting: Lin et al., "Focal Loss for Dense Object Detection", ICCV 2017, arXiv 1708.02002, equation 4: the
 * loss of each sample is multiplied by (1 - p_y)^gamma, and the weight passes its gradient. What differs from much face
 * recognition code: that code weights the mean of the batch instead of each sample. With a margin, p is the probability
 * after the margin.
 *
 * @param labelSmoothing e, in [0, 1); 0 for none
 * @param focalGamma gamma, at least 0; 0 for none, 2 in the paper
 */
public record CrossEntropy(double labelSmoothing, double focalGamma) {
    /** Cross-entropy without smoothing or weighting. */
    public static final CrossEntropy PLAIN = new CrossEntropy(0, 0);

    private static final double MIN_COMPLEMENT = 1e-12; // at 0 a power below 1 has an infinite slope

    public CrossEntropy {
        if (!(labelSmoothing >= 0 && labelSmoothing < 1)) {
            throw new IllegalArgumentException("labelSmoothing must be in [0, 1), but was " + labelSmoothing);
        }
        Checks.atLeast("focalGamma", focalGamma, 0);
    }

    /**
     * Computes the mean loss of a batch.
     *
     * @param logits [B, C]
     * @param labels [B], int64
     * @return a scalar with gradient, scoped
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
        Tensor complement = atLeast(target.expm1().neg(), MIN_COMPLEMENT); // [B], 1 - p without cancellation
        try (Scalar gamma = new Scalar(focalGamma)) {
            return complement.pow(gamma).mul(each).mean();
        }
    }
}
