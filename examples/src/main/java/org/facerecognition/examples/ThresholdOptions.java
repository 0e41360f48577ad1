package org.facerecognition.examples;

import org.facerecognition.Recognizer;
import org.facerecognition.Threshold;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** From where on two faces are the same: one way to say it. */
final class ThresholdOptions {
    private static final double USUAL_FALSE_ACCEPT_RATE = 0.001;

    @Option(names = "--threshold", paramLabel = "COSINE", description = "Same from this cosine on.")
    private @Nullable Double cosine;

    @Option(
            names = "--far",
            paramLabel = "RATE",
            description = "Same from the model's calibrated threshold for this false accept rate on. Default: 0.001.")
    private @Nullable Double falseAcceptRate;

    Threshold of(Recognizer recognizer) {
        if (cosine != null) {
            return Threshold.of(cosine);
        }
        return recognizer.threshold(falseAcceptRate == null ? USUAL_FALSE_ACCEPT_RATE : falseAcceptRate);
    }
}
