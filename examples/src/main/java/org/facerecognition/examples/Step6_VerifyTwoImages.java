package org.facerecognition.examples;

import java.nio.file.Path;
import java.util.Locale;
import org.facerecognition.Recognizer;
import org.facerecognition.Threshold;
import org.facerecognition.VerificationResult;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.ImageSource;
import org.facerecognition.data.Split;
import org.facerecognition.synthetic.SyntheticFaces;

/**
 * Decides whether two images show the same person, with the model of {@link Step1_TrainArcFace}. {@link
 * VerifyTwoPhotographs} does it with photographs, a face detector and weights from elsewhere.
 */
public final class Step6_VerifyTwoImages {
    private Step6_VerifyTwoImages() {}

    /** Argument: the folder of {@link Step1_TrainArcFace}; {@code face-steps} by default. */
    public static void main(String[] args) {
        Path folder = Path.of(args.length > 0 ? args[0] : "face-steps");
        try (Recognizer recognizer = Recognizer.load(folder.resolve("arcface.model"))) {
            long seed = 0;
            var strangers = new SyntheticFaces(seed, recognizer.imageSizePx()).identities(100, 102);
            FaceDataset images = FaceDataset.synthetic(strangers.images(0, 2), Split.TEST);
            ImageSource ada = images.sample(0).image(); // or ImageSource.of(Path.of("ada.jpg"))
            ImageSource adaAgain = images.sample(1).image();
            ImageSource bob = images.sample(2).image();

            Threshold threshold = Threshold.of(0.7); // a guess; Step9_Calibrate measures one
            print("Ada and Ada", recognizer.verify(ada, adaAgain, threshold));
            print("Ada and Bob", recognizer.verify(ada, bob, threshold));
        }
    }

    private static void print(String who, VerificationResult result) {
        System.out.printf(
                Locale.ROOT,
                "%s: cosine %.2f, %s%n",
                who,
                result.cosine(),
                result.same() ? "same person" : "different people");
    }
}

/* Prints:
 * Ada and Ada: cosine 0.94, same person
 * Ada and Bob: cosine 0.46, different people
 */
