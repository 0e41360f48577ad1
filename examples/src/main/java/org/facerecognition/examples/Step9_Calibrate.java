package org.facerecognition.examples;

import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.facerecognition.Recognizer;
import org.facerecognition.Threshold;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.Split;
import org.facerecognition.eval.CalibrationSettings;
import org.facerecognition.eval.Verification;
import org.facerecognition.synthetic.SyntheticFaces;

/**
 * Finds the threshold for a false accept rate on people whom the model does not know, checks it on a third group,
 * and saves it with the model.
 */
public final class Step9_Calibrate {
    private Step9_Calibrate() {}

    /** Argument: the folder of {@link Step1_TrainArcFace}; {@code face-steps} by default. */
    public static void main(String[] args) {
        Path folder = Path.of(args.length > 0 ? args[0] : "face-steps");
        try (Recognizer recognizer = Recognizer.load(folder.resolve("arcface.model"))) {
            long seed = 0;
            var faces = new SyntheticFaces(seed, recognizer.imageSizePx());
            FaceDataset strangers =
                    FaceDataset.synthetic(faces.identities(400, 440).images(0, 4), Split.TEST);
            FaceDataset others =
                    FaceDataset.synthetic(faces.identities(500, 540).images(0, 4), Split.TEST);

            double falseAcceptRate = 0.01;
            Threshold threshold = recognizer
                    .calibrate(strangers, CalibrationSettings.DEFAULT.withFalseAcceptRates(List.of(falseAcceptRate)))
                    .get(0);
            System.out.printf(
                    Locale.ROOT,
                    "threshold %.2f; the false accept rate on other people is at most %.3f, at 95 %% confidence%n",
                    threshold.cosine(),
                    threshold.evidence().orElseThrow().upperBound());

            Verification verification = Verification.ofAllPairs(recognizer.embed(others));
            System.out.printf(
                    Locale.ROOT,
                    "of other people it accepts %.2f %% of impostor pairs and %.1f %% of genuine pairs%n",
                    100 * verification.roc().far(threshold.cosine()),
                    100 * verification.roc().tar(threshold.cosine()));
            recognizer.save(folder.resolve("calibrated.model")); // verify(a, b, recognizer.threshold(0.01)) uses it
        }
    }
}

/* Prints:
 * threshold 0.95; the false accept rate on other people is at most 0.023, at 95 % confidence
 * of other people it accepts 1.22 % of impostor pairs and 18.3 % of genuine pairs
 */
