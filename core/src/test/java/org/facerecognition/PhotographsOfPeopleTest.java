package org.facerecognition;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.bytedeco.opencv.global.opencv_core.ROTATE_180;
import static org.bytedeco.opencv.global.opencv_core.rotate;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.bytedeco.opencv.opencv_core.Mat;
import org.facerecognition.backbone.Encoder;
import org.facerecognition.data.DataException;
import org.facerecognition.data.ImageReader;
import org.facerecognition.data.ImageSource;
import org.facerecognition.vision.FaceDetector;
import org.facerecognition.weights.Weights;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Tests the path from photographs of people to decisions with YuNet and a pretrained model; skipped without them. */
class PhotographsOfPeopleTest {
    private static final int PAIRS = 60; // of the 1,000 of LFW View 1; the benchmark "recognition" runs all

    /** The threshold that the benchmark "recognition" finds on either half of the pairs. */
    private static final Threshold VIEW_1 = Threshold.of(0.31);

    private static FaceDetector detector;
    private static Recognizer recognizer;

    @BeforeAll
    static void open() {
        Path yunet = SharedFiles.orSkip("weights/yunet/yunet_s_640_640.onnx");
        Path weights = SharedFiles.orSkip("weights/mobilefacenet/mobilefacenet.pt");
        detector = FaceDetector.open(yunet);
        recognizer = Recognizer.pretrained(Encoder.MOBILEFACENET, Weights.read(weights));
        recognizer.useDetector(detector);
        recognizer.useFlip(true);
    }

    @AfterAll
    static void close() {
        if (recognizer != null) {
            recognizer.close();
            detector.close();
        }
    }

    @Test
    void photographsMatchExactlyIfTheyShowTheSamePerson() throws IOException {
        List<Path> photos;
        try (var files = Files.list(SharedFiles.orSkip("data/photos"))) {
            photos = files.filter(f -> f.toString().endsWith(".jpg")).sorted().toList();
        }
        List<float[]> embeddings = recognizer.embed(photos);
        for (int i = 0; i < photos.size(); i++) {
            for (int j = 0; j < i; j++) {
                boolean same = person(photos.get(i)).equals(person(photos.get(j)));
                VerificationResult result = VIEW_1.judge(Recognizer.similarity(embeddings.get(i), embeddings.get(j)));
                assertThat(result.same())
                        .as("%s and %s: %s", photos.get(i), photos.get(j), result)
                        .isEqualTo(same);
            }
        }
    }

    /** YuNet detects most upside-down faces, but predicts landmarks as if they were upright. */
    @Test
    void rejectsUpsideDownFaces() throws IOException {
        try (var files = Files.list(SharedFiles.orSkip("data/photos"))) {
            for (Path file : files.filter(f -> f.toString().endsWith(".jpg")).toList()) {
                try (Mat photo = ImageReader.read(file);
                        Mat turned = new Mat()) {
                    rotate(photo, turned, ROTATE_180);
                    assertThat(recognizer.faces(ImageSource.of(photo))).isNotEmpty();
                    assertThat(recognizer.faces(ImageSource.of(turned))).isEmpty();
                    assertThatThrownBy(() -> recognizer.embed(turned))
                            .isInstanceOf(DataException.class)
                            .hasMessageMatching("image given (shows its face upside down; turn it by 180 degrees"
                                    + "|must show a face, but none was found.*)");
                }
            }
        }
    }

    private static String person(Path photo) {
        return photo.getFileName().toString().replaceAll("[0-9_.].*", "");
    }

    @Test
    void verifiesPairsOfLabeledFacesInTheWild() throws IOException {
        Path root = SharedFiles.orSkip("data/lfw_view1");
        List<String[]> lines = Files.readAllLines(root.resolve("pairsDevTest.txt")).stream()
                .map(line -> line.split("\\t"))
                .filter(words -> words.length > 2)
                .toList();
        int every = lines.size() / PAIRS;
        int correct = 0;
        for (int i = 0; i < PAIRS; i++) {
            String[] pair = lines.get(i * every);
            ImageSource first = ImageSource.of(first(root, pair));
            ImageSource second = ImageSource.of(second(root, pair));
            boolean same = pair.length == 3;
            correct += recognizer.verify(first, second, VIEW_1).same() == same ? 1 : 0;
        }
        assertThat(correct).isGreaterThanOrEqualTo(PAIRS - 1);
    }

    private static Path first(Path root, String[] pair) {
        return image(root, pair[0], pair[1]);
    }

    private static Path second(Path root, String[] pair) {
        return pair.length == 3 ? image(root, pair[0], pair[2]) : image(root, pair[2], pair[3]);
    }

    private static Path image(Path root, String person, String number) {
        String name = String.format("%s_%04d.jpg", person, Integer.parseInt(number.trim()));
        return root.resolve("lfw-deepfunneled").resolve(person).resolve(name);
    }
}
