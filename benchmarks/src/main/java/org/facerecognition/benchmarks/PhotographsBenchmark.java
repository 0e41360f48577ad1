package org.facerecognition.benchmarks;

import static org.bytedeco.opencv.global.opencv_core.CV_64F;
import static org.bytedeco.opencv.global.opencv_core.CV_8SC3;
import static org.bytedeco.opencv.global.opencv_core.CV_8UC3;
import static org.bytedeco.opencv.global.opencv_core.add;
import static org.bytedeco.opencv.global.opencv_core.randn;
import static org.bytedeco.opencv.global.opencv_imgcodecs.imread;
import static org.bytedeco.opencv.global.opencv_imgcodecs.imwrite;
import static org.bytedeco.opencv.global.opencv_imgproc.INTER_CUBIC;
import static org.bytedeco.opencv.global.opencv_imgproc.resize;

import ai.onnxruntime.OrtException;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.bytedeco.opencv.opencv_core.Mat;
import org.bytedeco.opencv.opencv_core.Scalar;
import org.bytedeco.opencv.opencv_core.Size;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.facerecognition.PreparedRecognizer;
import org.facerecognition.backbone.Encoder;
import org.facerecognition.data.ImageSource;
import org.facerecognition.inference.PrepareOptions;
import org.facerecognition.inference.PrepareOptions.Arithmetic;
import org.facerecognition.inference.PreparedNet;
import org.facerecognition.natives.Processors;
import org.facerecognition.vision.FaceDetector;
import org.jspecify.annotations.Nullable;

/**
 * Measures the way from image files to embeddings: decoding, detection, alignment and embedding with MobileFaceNet, of
 * photographs as in LFW and of photographs of 12 megapixels. The peer is what a careful user would write: one worker
 * for each processor, which reads a file, detects faces with OpenCV's detector at the same size, crops the best one
 * with the same alignment, and embeds it with ONNX Runtime on one thread. Where the library decodes a large JPEG file
 * to a half, a quarter or an eighth, one row has a peer that knows this too; another decodes whole images, as OpenCV
 * does unless it is told otherwise. All compute in float32; where the processor has instructions for bfloat16, another
 * row has the library with it, as the option {@code --bf16} of the commands.
 *
 * <p>Run with {@code java -jar benchmarks/target/benchmarks.jar photographs YUNET LFW [ROUNDS [MANY]]}: the detector's
 * file, and a folder with {@code lfw-deepfunneled}; by default 5 rounds. With MANY, it also embeds that many images,
 * the same files again and again, and prints the resident memory. {@code -Dfacerecognition.threads=1} before {@code
 * -jar} measures with one thread.
 */
final class PhotographsBenchmark {
    private static final int SMALL = 256; // images of a step
    private static final int LARGE = 16;
    private static final int LARGE_WIDTH = 4000;
    private static final int LARGE_HEIGHT = 3000;
    private static final double NOISE = 6; // standard deviation; without it, enlarged images have no detail to decode
    private static final int REPORTS = 5;

    private PhotographsBenchmark() {}

    /** Runs the benchmark and prints tables. */
    static void run(String[] args) throws IOException {
        if (args.length < 2 || args.length > 4) {
            throw new ArgumentException("arguments must be YUNET LFW [ROUNDS [MANY]], but were "
                    + (args.length == 0 ? "missing" : String.join(" ", args)));
        }
        Path yunet = Path.of(args[0]);
        int rounds = new Arguments(args).number(2, "ROUNDS", 1, 5);
        Optional<Integer> many =
                args.length > 3 ? Optional.of(Arguments.atLeast(1, "MANY", args[3])) : Optional.empty();
        try (TemporaryFolder folder = TemporaryFolder.create("photographs-benchmark");
                Net net = new Net(Encoder.MOBILEFACENET, folder.path());
                FaceDetector detector = FaceDetector.open(yunet)) {
            net.recognizer().useDetector(detector);
            try (PreparedRecognizer prepared = prepared(net, Arithmetic.FP32);
                    PreparedRecognizer half = hasBf16() ? prepared(net, Arithmetic.HALF) : null;
                    CarefulUser peer = new CarefulUser(net, yunet)) {
                List<Path> small = photographs(Path.of(args[1]));
                compare(List.of(careful(peer, small, false)), prepared, half, small, rounds, "250 x 250 px");
                List<Path> large = enlarged(small.subList(0, LARGE), folder.path());
                compare(
                        List.of(careful(peer, large, true), careful(peer, large, false)),
                        prepared,
                        half,
                        large,
                        rounds,
                        "12 megapixels");
                if (many.isPresent()) {
                    embedMany(prepared, small, many.get(), System.out);
                }
            } catch (OrtException e) {
                throw new IOException(e);
            }
        }
    }

    private static boolean hasBf16() {
        return PreparedNet.isFast(ScalarType.BFloat16);
    }

    private static PreparedRecognizer prepared(Net net, Arithmetic arithmetic) {
        return net.recognizer() // its weights are random
                .prepare(PrepareOptions.DEFAULT.withArithmetic(arithmetic).withMinCosine(1e-3));
    }

    /**
     * Measures the library beside others, in float32 and, unless it is null, in half precision.
     *
     * @param others the first one is what the others are relative to
     */
    private static void compare(
            List<Contestant> others,
            PreparedRecognizer prepared,
            @Nullable PreparedRecognizer half,
            List<Path> files,
            int rounds,
            String size) {
        List<Contestant> contestants = new ArrayList<>(others);
        contestants.add(library("PreparedRecognizer.embedAll", prepared, files));
        if (half != null) {
            contestants.add(library("PreparedRecognizer.embedAll, bf16", half, files));
        }
        Rounds.run(contestants, rounds, 1, System.out)
                .print(
                        System.out,
                        "photographs of " + size + " to embeddings, MobileFaceNet, fp32 where not said, "
                                + Processors.count() + " threads",
                        contestants.get(0).name());
    }

    private static Contestant library(String name, PreparedRecognizer prepared, List<Path> files) {
        return contestant(name, files, some -> prepared.embedAll(sources(some)).size());
    }

    private static Contestant careful(CarefulUser peer, List<Path> files, boolean reducing) {
        return contestant(
                "OpenCV's detector and ONNX Runtime, a worker for each processor, "
                        + (reducing
                                ? "large JPEG files decoded to a half, a quarter or an eighth"
                                : "decoding whole images"),
                files,
                some -> peer.embed(some, reducing));
    }

    private interface Embedding {
        /** Returns how many files were embedded. */
        int embed(List<Path> files) throws Exception;
    }

    private static Contestant contestant(String name, List<Path> files, Embedding embedding) {
        return new Contestant() {
            @Override
            public String name() {
                return name;
            }

            @Override
            public double imagesPerSecond(int steps) {
                long start = System.nanoTime();
                int images = 0;
                try {
                    for (int i = 0; i < steps; i++) {
                        images += embedding.embed(files);
                    }
                } catch (Exception e) {
                    throw new IllegalStateException(e);
                }
                if (images != steps * files.size()) {
                    throw new IllegalStateException(
                            name + " embedded " + images + " of " + steps * files.size() + " images");
                }
                return images / ((System.nanoTime() - start) / 1e9);
            }

            @Override
            public void close() {} // what it calls is borrowed
        };
    }

    private static List<ImageSource> sources(List<Path> files) {
        return files.stream().map(ImageSource::of).toList();
    }

    /** Returns one image of each of the first people. */
    static List<Path> photographs(Path lfw) throws IOException {
        List<Path> files = new ArrayList<>();
        try (Stream<Path> folders = Files.list(lfw.resolve("lfw-deepfunneled"))) {
            for (Path person : folders.filter(Files::isDirectory).sorted().toList()) {
                try (Stream<Path> images = Files.list(person)) {
                    images.filter(file -> file.toString().endsWith(".jpg"))
                            .sorted()
                            .findFirst()
                            .ifPresent(files::add);
                }
                if (files.size() == SMALL) {
                    break;
                }
            }
        }
        if (files.size() < LARGE) {
            throw new ArgumentException(
                    lfw + " must have at least " + LARGE + " people in lfw-deepfunneled, but has " + files.size());
        }
        return files;
    }

    /** Writes images enlarged to 12 megapixels, with noise. */
    private static List<Path> enlarged(List<Path> files, Path folder) throws IOException {
        List<Path> large = new ArrayList<>();
        for (Path file : files) {
            try (Mat image = imread(file.toString());
                    Mat enlarged = new Mat();
                    Mat noise = new Mat(LARGE_HEIGHT, LARGE_WIDTH, CV_8SC3);
                    Mat mean = new Mat(1, 1, CV_64F, new Scalar(0.0));
                    Mat deviation = new Mat(1, 1, CV_64F, new Scalar(NOISE));
                    Size size = new Size(LARGE_WIDTH, LARGE_HEIGHT)) {
                resize(image, enlarged, size, 0, 0, INTER_CUBIC);
                randn(noise, mean, deviation);
                add(enlarged, noise, enlarged, new Mat(), CV_8UC3);
                Path target = folder.resolve("large-" + large.size() + ".jpg");
                if (!imwrite(target.toString(), enlarged)) {
                    throw new IOException("cannot write " + target);
                }
                large.add(target);
            }
        }
        return large;
    }

    private static void embedMany(PreparedRecognizer prepared, List<Path> files, int many, PrintStream out)
            throws IOException {
        out.printf("%n| images embedded one after another | resident memory, MiB | images/s |%n|---|---|---|%n");
        int part = Math.max(1, many / REPORTS);
        for (int done = 0; done < many; done += part) {
            int offset = done;
            long start = System.nanoTime();
            long embedded = prepared.embedEach(IntStream.range(0, part)
                            .mapToObj(i -> ImageSource.of(files.get((offset + i) % files.size()))))
                    .count();
            out.printf(
                    "| %,d | %.0f | %.1f |%n",
                    done + embedded, ProcessMemory.residentMib(), embedded / ((System.nanoTime() - start) / 1e9));
        }
    }
}
