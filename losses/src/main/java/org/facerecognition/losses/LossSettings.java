package org.facerecognition.losses;

import org.jspecify.annotations.Nullable;

/**
 * What can be set about a loss of the {@link LossName registry}. What is not set is as in the loss's paper.
 *
 * @param s scale of the cosines; null for the loss's own
 * @param m margin, of the kind the loss has; null for the loss's own
 * @param subCenters centers for each identity, of margin losses; 0 for the loss's own: 3 for {@link
 *     LossName#SUBCENTER_ARCFACE}, else 1
 * @param labelSmoothing in [0, 1), of losses with a softmax over identities; see {@link CrossEntropy}
 * @param focalGamma at least 0, of losses with a softmax over identities; see {@link CrossEntropy}
 * @param straightThrough insightface's gradient in place of the true one, of ArcFace; see {@link ArcFaceMargin.Gradient}
 */
public record LossSettings(
        @Nullable Double s,
        @Nullable Double m,
        int subCenters,
        double labelSmoothing,
        double focalGamma,
        boolean straightThrough) {
    /** Nothing set. */
    public static final LossSettings DEFAULTS = new LossSettings(null, null, 0, 0, 0, false);

    public LossSettings {
        if (subCenters < 0) {
            throw new IllegalArgumentException("subCentres must be at least 1, but was " + subCenters);
        }
        new CrossEntropy(labelSmoothing, focalGamma); // refuses nonsense
    }

    /** Scale and margin alone. */
    public static LossSettings of(double s, double m) {
        return DEFAULTS.with(s, m);
    }

    /** The same with another scale and margin; null for the loss's own. */
    public LossSettings with(@Nullable Double s, @Nullable Double m) {
        return new LossSettings(s, m, subCenters, labelSmoothing, focalGamma, straightThrough);
    }

    CrossEntropy crossEntropy() {
        return new CrossEntropy(labelSmoothing, focalGamma);
    }
}
