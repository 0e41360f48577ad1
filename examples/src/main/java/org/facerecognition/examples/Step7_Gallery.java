package org.facerecognition.examples;

import java.nio.file.Path;
import org.facerecognition.Recognizer;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.Sample;
import org.facerecognition.data.Split;
import org.facerecognition.gallery.Gallery;
import org.facerecognition.gallery.Outcome;
import org.facerecognition.synthetic.SyntheticFaces;

/** Enrolls people in a gallery on disk, identifies a known and an unknown face, and erases a person. */
public final class Step7_Gallery {
    private Step7_Gallery() {}

    /** Argument: the folder of {@link Step1_TrainArcFace}; {@code face-steps} by default. */
    public static void main(String[] args) {
        Path folder = Path.of(args.length > 0 ? args[0] : "face-steps");
        try (Recognizer recognizer = Recognizer.load(folder.resolve("arcface.model"));
                Gallery gallery = recognizer.openGallery(folder.resolve("people.gallery"))) {
            long seed = 0;
            var strangers = new SyntheticFaces(seed, recognizer.imageSizePx()).identities(236, 240);
            FaceDataset images = FaceDataset.synthetic(strangers.images(0, 4), Split.TEST);

            for (int i = 0; i < images.size(); i++) { // three images of each of the first three people
                Sample sample = images.sample(i);
                if (sample.label() < 3 && i % 4 < 3) {
                    gallery.enroll(images.identities().get(sample.label()), recognizer.embed(sample.image()));
                }
            }
            System.out.println("enrolled " + gallery.identities());

            int fourthImageOfTheSecond = 7;
            int firstImageOfTheLast = 12;
            for (int i : new int[] {fourthImageOfTheSecond, firstImageOfTheLast}) {
                Sample sample = images.sample(i);
                int matches = 1;
                double threshold = 0.75; // a guess; Step9_Calibrate measures one
                Outcome outcome = gallery.identify(recognizer.embed(sample.image()), matches, threshold);
                System.out.println(images.identities().get(sample.label()) + " is "
                        + outcome.best().map(match -> match.identity()).orElse("unknown"));
            }

            for (String name : images.identities().subList(0, 3)) {
                System.out.println("erased " + gallery.remove(name) + " embeddings of " + name);
            }
        }
    }
}

/* Prints:
 * enrolled {synthetic-236=3, synthetic-237=3, synthetic-238=3}
 * synthetic-237 is synthetic-237
 * synthetic-239 is unknown
 * erased 3 embeddings of synthetic-236
 * erased 3 embeddings of synthetic-237
 * erased 3 embeddings of synthetic-238
 */
