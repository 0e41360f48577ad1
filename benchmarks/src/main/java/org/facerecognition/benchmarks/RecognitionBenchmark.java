package org.facerecognition.benchmarks;

import static org.bytedeco.opencv.global.opencv_imgproc.COLOR_RGB2BGR;
import static org.bytedeco.opencv.global.opencv_imgproc.INTER_LINEAR;
import static org.bytedeco.opencv.global.opencv_imgproc.cvtColor;
import static org.bytedeco.opencv.global.opencv_imgproc.resize;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.bytedeco.opencv.opencv_core.Mat;
import org.bytedeco.opencv.opencv_core.Size;
import org.bytedeco.opencv.opencv_objdetect.FaceDetectorYN;
import org.facerecognition.PreparedRecognizer;
import org.facerecognition.Recognizer;
import org.facerecognition.backbone.Encoder;
import org.facerecognition.data.ImageReader;
import org.facerecognition.data.ImageSource;
import org.facerecognition.inference.PrepareOptions;
import org.facerecognition.vision.FaceDetector;
import org.facerecognition.weights.Weights;

/**
 * From photographs to decisions: how fast faces are found, beside OpenCV's detector called bare, and how often two images
 * of LFW's View 1 are told rightly to show one person or two; with {@code bf16}, also how many of these decisions half precision
 * changes.
 *
 * <p>{@code java -jar benchmarks/target/benchmarks.jar recognition YUNET MOBILEFACENET LFW [ROUNDS [bf16]]}: the detector's file,
 * MobileFaceNet's weights, and a folder with {@code pairsDevTest.txt} and {@code lfw-deepfunneled}.
 */
final class RecognitionBenchmark {
    private static final int WIDTH = 640;
    private static final int HEIGHT = 480;
    private static final int STEPS = 2;
    private static final int PICTURES_IN_A_STEP = 16;

    private RecognitionBenchmark() {}

    /** Two images, by their places among all. */
    private record Pair(int first, int second, boolean same) {}

    static void run(String[] args) throws IOException {
        if (args.length < 3) {
            throw new IllegalArgumentException("recognition must be given YUNET MOBILEFACENET LFW [ROUNDS [bf16]]");
        }
        Path lfw = Path.of(args[2]);
        Map<Path, Integer> places = new LinkedHashMap<>();
        List<Pair> pairs = pairs(lfw, places);
        List<Path> pictures = List.copyOf(places.keySet());
        try (FaceDetector detector = FaceDetector.open(Path.of(args[0]));
                Recognizer recognizer = Recognizer.pretrained(Encoder.MOBILEFACENET, Weights.read(Path.of(args[1])))) {
            speed(detector, Path.of(args[0]), pictures.get(0), args.length > 3 ? Integer.parseInt(args[3]) : 5);
            recognizer.useDetector(detector);
            recognizer.useFlip(true);
            List<ImageSource> sources = pictures.stream().map(ImageSource::of).toList();
            List<float[]> embeddings = timed(sources, recognizer::embedAll);
            accuracy(cosines(embeddings, pairs), pairs);
            if (args.length > 4 && args[4].equals("bf16")) {
                PrepareOptions half = PrepareOptions.DEFAULT.withArithmetic(PrepareOptions.Arithmetic.HALF);
                try (PreparedRecognizer prepared = recognizer.prepare(half)) {
                    decisions(embeddings, timed(sources, prepared::embedAll), pairs);
                }
            }
        }
    }

    private static void speed(FaceDetector detector, Path yunet, Path picture, int rounds) {
        try (Mat small = ImageReader.read(picture);
                Mat image = new Mat();
                Mat bgr = new Mat();
                Mat found = new Mat();
                Size size = new Size(WIDTH, HEIGHT);
                FaceDetectorYN bare = FaceDetectorYN.create(yunet.toString(), "", size)) {
            resize(small, image, size, 0, 0, INTER_LINEAR);
            cvtColor(image, bgr, COLOR_RGB2BGR);
            var contestants = List.of(
                    contestant("OpenCV's FaceDetectorYN, bare", () -> bare.detect(bgr, found)),
                    contestant("FaceDetector", () -> detector.detect(image)));
            Rounds.run(contestants, rounds, STEPS, System.out)
                    .print(
                            System.out,
                            "finding faces, " + WIDTH + "x" + HEIGHT,
                            contestants.get(0).name());
        }
    }

    private static Contestant contestant(String name, Runnable detect) {
        return new Contestant() {
            @Override
            public String name() {
                return name;
            }

            @Override
            public double imagesPerSecond(int steps) {
                int images = steps * PICTURES_IN_A_STEP;
                long start = System.nanoTime();
                for (int i = 0; i < images; i++) {
                    detect.run();
                }
                return images / ((System.nanoTime() - start) / 1e9);
            }

            @Override
            public void close() {} // what it works on is closed outside
        };
    }

    private static List<Pair> pairs(Path lfw, Map<Path, Integer> places) throws IOException {
        List<Pair> pairs = new ArrayList<>();
        for (String line : Files.readAllLines(lfw.resolve("pairsDevTest.txt"))) {
            String[] words = line.trim().split("\\s+");
            if (words.length == 3) {
                pairs.add(
                        new Pair(place(lfw, words[0], words[1], places), place(lfw, words[0], words[2], places), true));
            } else if (words.length == 4) {
                pairs.add(new Pair(
                        place(lfw, words[0], words[1], places), place(lfw, words[2], words[3], places), false));
            }
        }
        return pairs;
    }

    private static int place(Path lfw, String person, String number, Map<Path, Integer> places) {
        String file = String.format("%s_%04d.jpg", person, Integer.parseInt(number));
        Path picture = lfw.resolve("lfw-deepfunneled").resolve(person).resolve(file);
        return places.computeIfAbsent(picture, p -> places.size());
    }

    private static List<float[]> timed(List<ImageSource> pictures, Function<List<ImageSource>, List<float[]>> embed) {
        long start = System.nanoTime();
        List<float[]> embeddings = embed.apply(pictures);
        double seconds = (System.nanoTime() - start) / 1e9;
        System.out.printf(
                "%n%d images read, faces found, aligned, embedded with their mirror images: %.1f images/s%n",
                pictures.size(), pictures.size() / seconds);
        return embeddings;
    }

    private static double[] cosines(List<float[]> embeddings, List<Pair> pairs) {
        return pairs.stream()
                .mapToDouble(pair -> Recognizer.similarity(embeddings.get(pair.first()), embeddings.get(pair.second())))
                .toArray();
    }

    private static void decisions(List<float[]> embeddings, List<float[]> half, List<Pair> pairs) {
        double least = IntStream.range(0, half.size())
                .mapToDouble(i -> Recognizer.similarity(embeddings.get(i), half.get(i)))
                .min()
                .orElseThrow();
        double[] a = cosines(embeddings, pairs);
        double[] b = cosines(half, pairs);
        double threshold = best(a, pairs, 0);
        long changed = IntStream.range(0, a.length)
                .filter(i -> a[i] >= threshold != b[i] >= threshold)
                .count();
        System.out.printf(
                "bf16: cosine to fp32 of the same image at least %.5f; at threshold %.4f %d of %d decisions changed%n",
                least, threshold, changed, a.length);
        accuracy(b, pairs);
    }

    private static void accuracy(double[] cosines, List<Pair> pairs) {
        double sum = 0;
        for (int half = 0; half < 2; half++) {
            double threshold = best(cosines, pairs, half);
            double accuracy = right(cosines, pairs, 1 - half, threshold) * 2.0 / pairs.size();
            sum += accuracy;
            System.out.printf(
                    "threshold %.4f, chosen on one half of the pairs: %.4f of the other%n", threshold, accuracy);
        }
        System.out.printf("accuracy on %d pairs of View 1: %.4f%n", pairs.size(), sum / 2);
    }

    /** The threshold that is right most often on every second pair; the middle one where several are. */
    private static double best(double[] cosines, List<Pair> pairs, int half) {
        int most = Arrays.stream(cosines)
                .mapToInt(cosine -> right(cosines, pairs, half, cosine))
                .max()
                .orElseThrow();
        double[] best = Arrays.stream(cosines)
                .filter(cosine -> right(cosines, pairs, half, cosine) == most)
                .sorted()
                .toArray();
        return best[best.length / 2];
    }

    private static int right(double[] cosines, List<Pair> pairs, int half, double threshold) {
        int right = 0;
        for (int i = half; i < cosines.length; i += 2) {
            right += (cosines[i] >= threshold) == pairs.get(i).same() ? 1 : 0;
        }
        return right;
    }
}
