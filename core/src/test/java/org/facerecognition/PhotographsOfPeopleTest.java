package org.facerecognition;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.facerecognition.backbone.Encoder;
import org.facerecognition.data.ImageSource;
import org.facerecognition.vision.FaceDetector;
import org.facerecognition.weights.Weights;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The whole way from real photographs to decisions, with YuNet and a real face model. Skipped where they are not. */
class PhotographsOfPeopleTest {
    private static final int PAIRS = 60; // of View 1's 1,000: all of them take minutes, see the benchmark "recognition"

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
    void photographsOfOnePersonMatchEachOtherAndNotAnothers() throws IOException {
        List<Path> photos;
        try (var files = Files.list(SharedFiles.orSkip("data/photos"))) {
            photos = files.filter(f -> f.toString().endsWith(".jpg")).sorted().toList();
        }
        Threshold threshold = Threshold.of(0.4); // about where View 1's halves put it
        List<float[]> embeddings = recognizer.embed(photos);
        for (int i = 0; i < photos.size(); i++) {
            for (int j = 0; j < i; j++) {
                boolean same = person(photos.get(i)).equals(person(photos.get(j)));
                Verdict verdict = threshold.judge(Recognizer.similarity(embeddings.get(i), embeddings.get(j)));
                assertThat(verdict.same())
                        .as("%s and %s: %s", photos.get(i), photos.get(j), verdict)
                        .isEqualTo(same);
            }
        }
    }

    private static String person(Path photo) {
        return photo.getFileName().toString().replaceAll("[0-9_.].*", "");
    }

    @Test
    void pairsOfLabeledFacesAreToldApartByAThresholdChosenOnOthers() throws IOException {
        Path root = SharedFiles.orSkip("data/lfw_view1");
        List<String[]> lines = Files.readAllLines(root.resolve("pairsDevTest.txt")).stream()
                .map(line -> line.split("\\t"))
                .filter(words -> words.length > 2)
                .toList();
        int every = lines.size() / PAIRS;
        List<String[]> pairs =
                IntStream.range(0, PAIRS).mapToObj(i -> lines.get(i * every)).toList();
        Set<Path> files = new LinkedHashSet<>();
        for (String[] pair : pairs) {
            files.add(first(root, pair));
            files.add(second(root, pair));
        }
        List<Path> distinct = new ArrayList<>(files);
        List<float[]> embeddings =
                recognizer.embedAll(distinct.stream().map(ImageSource::of).toList());
        double[] cosines = new double[PAIRS];
        boolean[] same = new boolean[PAIRS];
        for (int i = 0; i < PAIRS; i++) {
            float[] a = embeddings.get(distinct.indexOf(first(root, pairs.get(i))));
            float[] b = embeddings.get(distinct.indexOf(second(root, pairs.get(i))));
            cosines[i] = Recognizer.similarity(a, b);
            same[i] = pairs.get(i).length == 3;
        }
        int right = 0;
        for (int half = 0; half < 2; half++) {
            double threshold = best(cosines, same, half);
            right += right(cosines, same, 1 - half, threshold);
        }
        assertThat(right / (double) PAIRS).isGreaterThanOrEqualTo(0.985 - 0.5 / PAIRS);
    }

    /** The threshold that is right most often on every second pair. */
    private static double best(double[] cosines, boolean[] same, int half) {
        double best = 0;
        for (double threshold : cosines) {
            if (right(cosines, same, half, threshold) > right(cosines, same, half, best)) {
                best = threshold;
            }
        }
        return best;
    }

    private static int right(double[] cosines, boolean[] same, int half, double threshold) {
        int right = 0;
        for (int i = half; i < cosines.length; i += 2) {
            if (Threshold.of(threshold).judge(cosines[i]).same() == same[i]) {
                right++;
            }
        }
        return right;
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
