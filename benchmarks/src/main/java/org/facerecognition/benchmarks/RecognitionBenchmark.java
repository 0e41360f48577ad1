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
import java.util.Optional;
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
import org.facerecognition.inference.PrepareOptions.Arithmetic;
import org.facerecognition.vision.FaceDetector;
import org.facerecognition.weights.Weights;

/**
 * Measures the way from photographs to decisions: the speed of face detection, compared with direct calls of OpenCV's
 * detector, and of embedding photographs of LFW's View 1 in fp32. With {@code bf16} or {@code int8} it also measures
 * this precision, and counts the decisions that it changes.
 *
 * <p>Run with {@code java -jar benchmarks/target/benchmarks.jar recognition YUNET MOBILEFACENET LFW [ROUNDS [bf16 or
 * int8]]}: the detector's file, MobileFaceNet's weights, and a folder with {@code pairsDevTest.txt} and {@code
 * lfw-deepfunneled}; by default 5 rounds.
 */
final class RecognitionBenchmark {
    private static final int WIDTH = 640;
    private static final int HEIGHT = 480;
    private static final int STEPS = 2;
    private static final int IMAGES_PER_STEP = 16; // of detection
    private static final int FILES_PER_STEP = 128;
    private static final int CALIBRATED = 4; // every which image is calibrated on, for int8

    private RecognitionBenchmark() {}

    /** Two images, by their indices in the list of all images. */
    private record Pair(int first, int second, boolean same) {}

    /** Runs the benchmark and prints a table and figures. */
    static void run(String[] args) throws IOException {
        if (args.length < 3) {
            throw new ArgumentException("arguments must be YUNET MOBILEFACENET LFW [ROUNDS [bf16 or int8]], but were "
                    + (args.length == 0 ? "missing" : String.join(" ", args)));
        }
        int rounds = new Arguments(args).number(3, "ROUNDS", 1, 5);
        Optional<String> lower = args.length > 4
                ? Optional.of(Arguments.oneOf(List.of("bf16", "int8"), "precision", args[4]))
                : Optional.empty();
        Path lfw = Path.of(args[2]);
        Map<Path, Integer> indices = new LinkedHashMap<>();
        List<Pair> pairs = pairs(lfw, indices);
        List<Path> images = List.copyOf(indices.keySet());
        try (FaceDetector detector = FaceDetector.open(Path.of(args[0]));
                Recognizer recognizer = Recognizer.pretrained(Encoder.MOBILEFACENET, Weights.read(Path.of(args[1])))) {
            speed(detector, Path.of(args[0]), images.get(0), rounds);
            recognizer.useDetector(detector);
            recognizer.useFlip(true);
            List<ImageSource> sources = images.stream().map(ImageSource::of).toList();
            if (lower.isPresent() && lower.get().equals("int8")) {
                calibrate(recognizer, sources);
            }
            try (PreparedRecognizer full = recognizer.prepare(PrepareOptions.DEFAULT.withArithmetic(Arithmetic.FP32));
                    Lower other = new Lower(recognizer, lower)) {
                List<Contestant> contestants = new ArrayList<>();
                List<ImageSource> some = sources.subList(0, Math.min(FILES_PER_STEP, sources.size()));
                contestants.add(embedding("fp32", full, some));
                other.prepared().ifPresent(prepared -> contestants.add(embedding(lower.get(), prepared, some)));
                Rounds.run(contestants, rounds, STEPS, System.out)
                        .print(
                                System.out,
                                "files to embeddings with mirror images, MobileFaceNet, LFW",
                                contestants.get(0).name());
                other.prepared()
                        .ifPresent(prepared -> printChangedDecisions(
                                lower.get(), full.embedAll(sources), prepared.embedAll(sources), pairs));
            }
        }
    }

    private static void calibrate(Recognizer recognizer, List<ImageSource> sources) {
        List<ImageSource> some = IntStream.range(0, sources.size())
                .filter(i -> i % CALIBRATED == 0)
                .mapToObj(sources::get)
                .toList();
        System.out.println("int8, calibrated on every fourth image: " + recognizer.calibrateInt8(some));
    }

    /** The network in a lower precision, if one is asked for; owned. */
    private static final class Lower implements AutoCloseable {
        private final Optional<PreparedRecognizer> prepared;

        Lower(Recognizer recognizer, Optional<String> precision) {
            this.prepared = precision.map(name -> recognizer.prepare(
                    name.equals("int8")
                            ? PrepareOptions.INT8
                            : PrepareOptions.DEFAULT.withArithmetic(Arithmetic.HALF)));
        }

        Optional<PreparedRecognizer> prepared() {
            return prepared;
        }

        @Override
        public void close() {
            prepared.ifPresent(PreparedRecognizer::close);
        }
    }

    private static Contestant embedding(String precision, PreparedRecognizer prepared, List<ImageSource> images) {
        return contestant(precision, images.size(), () -> prepared.embedAll(images));
    }

    private static void speed(FaceDetector detector, Path yunet, Path file, int rounds) {
        try (Mat original = ImageReader.read(file);
                Mat image = new Mat();
                Mat bgr = new Mat();
                Mat found = new Mat();
                Size size = new Size(WIDTH, HEIGHT);
                FaceDetectorYN direct = FaceDetectorYN.create(yunet.toString(), "", size)) {
            resize(original, image, size, 0, 0, INTER_LINEAR);
            cvtColor(image, bgr, COLOR_RGB2BGR);
            var contestants = List.of(
                    detection("OpenCV's FaceDetectorYN, called directly", () -> direct.detect(bgr, found)),
                    detection("FaceDetector", () -> detector.detect(image)));
            Rounds.run(contestants, rounds, STEPS, System.out)
                    .print(
                            System.out,
                            "face detection, " + WIDTH + "x" + HEIGHT,
                            contestants.get(0).name());
        }
    }

    private static Contestant detection(String name, Runnable detect) {
        return contestant(name, IMAGES_PER_STEP, () -> {
            for (int i = 0; i < IMAGES_PER_STEP; i++) {
                detect.run();
            }
        });
    }

    private static Contestant contestant(String name, int imagesPerStep, Runnable step) {
        return new Contestant() {
            @Override
            public String name() {
                return name;
            }

            @Override
            public double imagesPerSecond(int steps) {
                long start = System.nanoTime();
                for (int i = 0; i < steps; i++) {
                    step.run();
                }
                return steps * imagesPerStep / ((System.nanoTime() - start) / 1e9);
            }

            @Override
            public void close() {} // what it uses is borrowed
        };
    }

    private static List<Pair> pairs(Path lfw, Map<Path, Integer> indices) throws IOException {
        List<Pair> pairs = new ArrayList<>();
        for (String line : Files.readAllLines(lfw.resolve("pairsDevTest.txt"))) {
            String[] words = line.trim().split("\\s+");
            if (words.length == 3) {
                pairs.add(new Pair(
                        index(lfw, words[0], words[1], indices), index(lfw, words[0], words[2], indices), true));
            } else if (words.length == 4) {
                pairs.add(new Pair(
                        index(lfw, words[0], words[1], indices), index(lfw, words[2], words[3], indices), false));
            }
        }
        return pairs;
    }

    private static int index(Path lfw, String person, String number, Map<Path, Integer> indices) {
        String file = String.format("%s_%04d.jpg", person, Integer.parseInt(number));
        Path image = lfw.resolve("lfw-deepfunneled").resolve(person).resolve(file);
        return indices.computeIfAbsent(image, absent -> indices.size());
    }

    private static double[] cosines(List<float[]> embeddings, List<Pair> pairs) {
        return pairs.stream()
                .mapToDouble(pair -> Recognizer.similarity(embeddings.get(pair.first()), embeddings.get(pair.second())))
                .toArray();
    }

    /** Prints how many decisions a lower precision changes, at the best threshold of full precision. */
    private static void printChangedDecisions(
            String precision, List<float[]> embeddings, List<float[]> half, List<Pair> pairs) {
        double minCosine = IntStream.range(0, half.size())
                .mapToDouble(i -> Recognizer.similarity(embeddings.get(i), half.get(i)))
                .min()
                .orElseThrow();
        double[] a = cosines(embeddings, pairs);
        double[] b = cosines(half, pairs);
        double threshold = bestThreshold(a, pairs);
        long changed = IntStream.range(0, a.length)
                .filter(i -> a[i] >= threshold != b[i] >= threshold)
                .count();
        System.out.printf(
                "%s: minimum cosine to fp32 on the same image %.5f; %d of %d decisions changed at threshold %.4f%n",
                precision, minCosine, changed, a.length, threshold);
    }

    /** Returns the threshold with the most correct decisions; the median if there are several. */
    private static double bestThreshold(double[] cosines, List<Pair> pairs) {
        int maxCorrect = Arrays.stream(cosines)
                .mapToInt(cosine -> correct(cosines, pairs, cosine))
                .max()
                .orElseThrow();
        double[] best = Arrays.stream(cosines)
                .filter(cosine -> correct(cosines, pairs, cosine) == maxCorrect)
                .sorted()
                .toArray();
        return best[best.length / 2];
    }

    private static int correct(double[] cosines, List<Pair> pairs, double threshold) {
        int correct = 0;
        for (int i = 0; i < cosines.length; i++) {
            correct += (cosines[i] >= threshold) == pairs.get(i).same() ? 1 : 0;
        }
        return correct;
    }
}
