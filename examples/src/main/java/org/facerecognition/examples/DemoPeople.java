package org.facerecognition.examples;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.bytedeco.opencv.opencv_core.Mat;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.Sample;
import org.facerecognition.data.Split;
import org.facerecognition.synthetic.SyntheticFaces;

/**
 * The synthetic people of the demonstration, in three groups that share nobody: people to train on, people to verify
 * and identify, and people to calibrate the threshold on.
 *
 * @param faces the generator
 * @param trained number of people to train on; a third as many are verified, and at least 80 calibrate
 */
record DemoPeople(SyntheticFaces faces, int trained) {
    private static final int TRAIN_IMAGES = 6;
    private static final int VALIDATION_IMAGES = 2;
    private static final Pattern PERSON = Pattern.compile("synthetic-\\d+");
    private static final int OTHER_IMAGES = 5;
    private static final int MIN_CALIBRATION_PEOPLE = 80; // a few more than a false accept rate of 0.001 needs

    FaceDataset train() {
        return FaceDataset.synthetic(faces.identities(0, trained).images(0, TRAIN_IMAGES), Split.TRAIN);
    }

    /** Other images of the people to train on. */
    FaceDataset validation() {
        return FaceDataset.synthetic(
                faces.identities(0, trained).images(TRAIN_IMAGES, TRAIN_IMAGES + VALIDATION_IMAGES), Split.VAL);
    }

    FaceDataset unseen() {
        return FaceDataset.synthetic(
                faces.identities(trained, trained + unseenPeople()).images(0, OTHER_IMAGES), Split.TEST);
    }

    private int unseenPeople() {
        return Math.max(trained / 3, 2); // one person alone has no impostor pairs
    }

    FaceDataset calibration() {
        int first = trained + unseenPeople();
        int people = Math.max(trained / 3, MIN_CALIBRATION_PEOPLE);
        return FaceDataset.synthetic(faces.identities(first, first + people).images(0, OTHER_IMAGES), Split.TEST);
    }

    /**
     * Writes images to {@code folder/PERSON/INDEX.png}, for the first people of a data set, and returns the folder. The
     * images that this has written there before, of other people, are deleted, and nothing else.
     *
     * @throws IOException when the folder cannot be read or a former image cannot be deleted
     */
    static Path write(FaceDataset dataset, int people, Path folder) throws IOException {
        deleteFormer(folder);
        int[] written = new int[people];
        for (int i = 0; i < dataset.size(); i++) {
            Sample sample = dataset.sample(i);
            if (sample.label() < people) {
                String person = dataset.identities().get(sample.label());
                try (Mat image = sample.image().read()) {
                    ImageWriter.write(image, folder.resolve(person).resolve(written[sample.label()]++ + ".png"));
                }
            }
        }
        return folder;
    }

    private static void deleteFormer(Path folder) throws IOException {
        if (!Files.isDirectory(folder)) {
            return;
        }
        try (DirectoryStream<Path> people = Files.newDirectoryStream(folder, "synthetic-*")) {
            for (Path person : people) {
                if (!PERSON.matcher(person.getFileName().toString()).matches()
                        || !Files.isDirectory(person, LinkOption.NOFOLLOW_LINKS)) {
                    continue;
                }
                for (int i = 0; i < OTHER_IMAGES; i++) {
                    Files.deleteIfExists(person.resolve(i + ".png"));
                }
                try (Stream<Path> left = Files.list(person)) {
                    if (left.findAny().isPresent()) {
                        continue;
                    }
                }
                Files.delete(person);
            }
        }
    }
}
