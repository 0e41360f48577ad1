package org.facerecognition.examples;

import java.nio.file.Path;
import java.util.Locale;
import org.facerecognition.Recognizer;
import org.facerecognition.Threshold;
import org.facerecognition.VerificationResult;
import org.facerecognition.backbone.Encoder;
import org.facerecognition.data.ImageSource;
import org.facerecognition.vision.FaceDetector;
import org.facerecognition.weights.Weights;

/** Decides whether two photographs show the same person, with weights that were trained elsewhere. */
public final class VerifyTwoPhotographs {
    private VerifyTwoPhotographs() {}

    /** Arguments: weights of MobileFaceNet, face detector, photograph, photograph. */
    public static void main(String[] args) {
        try (Recognizer recognizer = Recognizer.pretrained(Encoder.MOBILEFACENET, Weights.read(Path.of(args[0])));
                FaceDetector detector = FaceDetector.open(Path.of(args[1]))) {
            recognizer.useDetector(detector);
            Threshold threshold = Threshold.of(0.4); // only to try it; calibrate your own
            VerificationResult result =
                    recognizer.verify(ImageSource.of(Path.of(args[2])), ImageSource.of(Path.of(args[3])), threshold);
            String answer = result.same() ? "same person" : "different people";
            System.out.printf(Locale.ROOT, "cosine %.3f: %s%n", result.cosine(), answer);
        }
    }
}
