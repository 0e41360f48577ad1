package org.facerecognition.examples;

import java.util.Collections;
import java.util.Set;
import org.facerecognition.FaceEmbedder;
import org.facerecognition.Threshold;
import org.facerecognition.examples.HelpSection.Heading;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Options of the threshold at or above which two faces count as one person's; at most one of them may be given. */
@HelpSection(Heading.DECISION)
final class ThresholdOptions {
    private static final double DEFAULT_FALSE_ACCEPT_RATE = 0.001;

    @Option(
            names = "--threshold",
            paramLabel = "COSINE",
            description = "Two faces at or above this cosine count as one person's.")
    private @Nullable Double cosine;

    @Option(
            names = "--far",
            paramLabel = "RATE",
            description = "Use the threshold that the model was calibrated to for this false accept rate. Default:"
                    + " 0.001; if the model has none for it, the lowest rate that it has one for.")
    private @Nullable Double falseAcceptRate;

    /**
     * Checks the options before the model is loaded.
     *
     * @throws IllegalArgumentException when one is out of range
     */
    void requireInRange() {
        if (falseAcceptRate != null && !(falseAcceptRate > 0 && falseAcceptRate < 1)) {
            throw new IllegalArgumentException("--far must be in (0, 1), but was " + falseAcceptRate);
        }
        if (cosine != null) {
            Threshold.of(cosine);
        }
    }

    /** Returns the threshold, that of --far from the model's calibration. */
    Threshold of(FaceEmbedder embedder) {
        if (cosine != null) {
            return Threshold.of(cosine);
        }
        return embedder.threshold(
                falseAcceptRate == null
                        ? defaultRate(LoadedModel.thresholds(embedder).keySet())
                        : falseAcceptRate);
    }

    private static double defaultRate(Set<Double> calibrated) {
        return calibrated.isEmpty() || calibrated.contains(DEFAULT_FALSE_ACCEPT_RATE)
                ? DEFAULT_FALSE_ACCEPT_RATE
                : Collections.min(calibrated);
    }
}
