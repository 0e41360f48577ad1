package org.facerecognition.losses;

import org.jspecify.annotations.Nullable;

/**
 * The settings of a loss that {@link LossName} creates. Values that are not set are the defaults of the name.
 *
 * @param s the scale of the cosines; null for the default of the loss
 * @param m the margin, of the kind that the loss has; null for the default of the loss
 * @param subCenters the number of centers per identity, for losses over cosines to centers; 0 for the default of the
 *     loss, which is 3 for {@link LossName#SUBCENTER_ARCFACE} and 1 for the others
 * @param labelSmoothing in [0, 1), for losses with a softmax over identities; see {@link CrossEntropy}
 * @param focalGamma at least 0, for losses with a softmax over identities; see {@link CrossEntropy}
 * @param straightThrough whether to use insightface's gradient instead of the true one, for ArcFace; see {@link
 *     ArcFaceMargin.Gradient}
 */
public record LossSettings(
        @Nullable Double s,
        @Nullable Double m,
        int subCenters,
        double labelSmoothing,
        double focalGamma,
        boolean straightThrough) {
    /** The defaults of each name. */
    public static final LossSettings DEFAULTS = new LossSettings(null, null, 0, 0, 0, false);

    /**
     * Creates settings.
     *
     * @throws IllegalArgumentException if a value is out of range
     */
    public LossSettings {
        if (subCenters < 0) {
            throw new IllegalArgumentException(
                    "subCenters must be at least 1, or 0 for the default of the loss, but was " + subCenters);
        }
        new CrossEntropy(labelSmoothing, focalGamma); // checks both
    }

    /** Returns settings with a scale and a margin. */
    public static LossSettings of(double s, double m) {
        return DEFAULTS.with(s, m);
    }

    /** Returns these settings with another scale and margin; null for the default of the loss. */
    public LossSettings with(@Nullable Double s, @Nullable Double m) {
        return new LossSettings(s, m, subCenters, labelSmoothing, focalGamma, straightThrough);
    }

    /**
     * Returns the number of centers per identity, or 0 for the default of the loss.
     *
     * @deprecated renamed to {@link #subCenters()}
     */
    @Deprecated
    public int subCentres() {
        return subCenters;
    }

    CrossEntropy crossEntropy() {
        return new CrossEntropy(labelSmoothing, focalGamma);
    }
}
