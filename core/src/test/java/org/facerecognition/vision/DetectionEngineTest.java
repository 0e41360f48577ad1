package org.facerecognition.vision;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.bytedeco.opencv.global.opencv_core.CV_8UC3;
import static org.bytedeco.opencv.global.opencv_imgproc.COLOR_RGB2BGR;
import static org.bytedeco.opencv.global.opencv_imgproc.cvtColor;
import static org.facerecognition.export.OnnxModelWriter.FREE;
import static org.facerecognition.export.OnnxModelWriter.attribute;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.opencv.global.opencv_objdetect;
import org.bytedeco.opencv.opencv_core.Mat;
import org.bytedeco.opencv.opencv_core.Size;
import org.bytedeco.opencv.opencv_objdetect.FaceDetectorYN;
import org.facerecognition.export.OnnxModelWriter;
import org.facerecognition.inference.FastOneDnn;
import org.facerecognition.natives.NativeLibraries;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The engine of this library must find what OpenCV finds with the same networks. */
class DetectionEngineTest {
    private static final String YUNET = "yunet";
    private static final String SCRFD = "scrfd";
    private static final int CHANNELS = 16;

    @TempDir
    private Path folder;

    /** Writes a network of random weights with the outputs of a detector, whose grids exchange what they see. */
    private Path file(String kind) throws IOException {
        return file(kind, false);
    }

    /**
     * @param byGrid whether the outputs are all heads of a grid, then those of the next, and the file leaves their
     *     sizes open
     */
    private Path file(String kind, boolean byGrid) throws IOException {
        boolean yunet = kind.equals(YUNET);
        Random random = new Random(3);
        OnnxModelWriter model = new OnnxModelWriter(11)
                .input("images", 1, 3, 640, 640)
                .floats("none", new float[0], 0)
                .floats("twice", new float[] {1, 1, 2, 2}, 4);
        float[] values = {yunet ? 1 / 400f : 1 / 4f}; // of pixels that are not normalized, or are
        model.floats("factor", values, 1).node("Mul", "images factor -> scaled");
        convolution(model, random, "scaled", "c8", 3, CHANNELS, 8, 8);
        model.node("Relu", "c8 -> f8").node("MaxPool", "f8 -> f16", pair("kernel_shape", 2), pair("strides", 2));
        convolution(model, random, "f16", "c32", CHANNELS, CHANNELS, 2, 2);
        model.node("Relu", "c32 -> g32")
                .node(
                        "Resize",
                        "g32 none twice -> u16",
                        attribute("mode", "nearest"),
                        attribute("coordinate_transformation_mode", "asymmetric"),
                        attribute("nearest_mode", "floor"))
                .node("Add", "f16 u16 -> g16")
                .node("Identity", "f8 -> g8");
        int anchors = yunet ? 1 : 2;
        String[] heads = yunet ? new String[] {"cls", "obj", "bbox", "kps"} : new String[] {"score", "bbox", "kps"};
        int[] numbers = yunet ? new int[] {1, 1, 4, 10} : new int[] {1, 4, 10};
        for (int head = 0; head < heads.length; head++) {
            model.integers("shape" + head, 1, -1, numbers[head]);
            for (int stride : Heads.STRIDES) {
                String output = heads[head] + "_" + stride;
                convolution(model, random, "g" + stride, output + "m", CHANNELS, anchors * numbers[head], 1, 1);
                model.node("Transpose", output + "m -> " + output + "t", attribute("perm", new long[] {0, 2, 3, 1}));
                boolean score = numbers[head] == 1;
                model.node("Reshape", output + "t shape" + head + " -> " + output + (score ? "r" : ""));
                if (score) {
                    model.node("Sigmoid", output + "r -> " + output);
                }
                if (!byGrid) {
                    model.output(output, 1, FREE, numbers[head]);
                }
            }
        }
        for (int i = 0; byGrid && i < heads.length * Heads.STRIDES.length; i++) {
            model.output(heads[i % heads.length] + "_" + Heads.STRIDES[i / heads.length], FREE, FREE, FREE);
        }
        Path file = model.write(folder.resolve(kind + ".onnx"));
        return Files.write(file, OnnxOutline.withInputSizes(Files.readAllBytes(file), 1, 3, 640, 640));
    }

    private static void convolution(
            OnnxModelWriter model, Random random, String from, String to, int in, int out, int size, int stride) {
        float[] weights = new float[out * in * size * size];
        for (int i = 0; i < weights.length; i++) {
            weights[i] = (float) random.nextGaussian() / (from.startsWith("g") ? 12 : 3);
        }
        model.floats(to + "w", weights, out, in, size, size)
                .node("Conv", from + " " + to + "w -> " + to, pair("kernel_shape", size), pair("strides", stride));
    }

    private static OnnxModelWriter.Attribute pair(String name, long value) {
        return attribute(name, new long[] {value, value});
    }

    private static Optional<DetectionEngine.Network> engine(String kind, Path file, byte[] model) {
        return kind.equals(YUNET)
                ? DetectionEngine.find(file, YuNet.OUTPUTS, YuNet.INPUT)
                : DetectionEngine.find(file, outputs(model), Scrfd.INPUT);
    }

    private static List<String> outputs(byte[] model) {
        return OnnxOutline.of(model).orElseThrow().outputs().stream()
                .map(OnnxOutline.Port::name)
                .toList();
    }

    private static DetectionNetwork network(String kind, byte[] model, Optional<DetectionEngine.Network> engine) {
        return kind.equals(YUNET)
                ? YuNet.open(model, "network", FaceDetector.Settings.DEFAULT.withScoreThreshold(0.51), engine)
                : Scrfd.open(
                        model,
                        OnnxOutline.of(model).orElseThrow(),
                        "network",
                        FaceDetector.Settings.SCRFD.withScoreThreshold(0.51),
                        engine);
    }

    private static Mat photo(int width, int height) {
        Mat photo = new Mat(height, width, CV_8UC3);
        Random random = new Random(1);
        byte[] pixels = new byte[3 * width * height];
        random.nextBytes(pixels);
        photo.data().put(pixels);
        return photo;
    }

    private static double[] numbers(List<DetectedFace> faces) {
        List<Double> all = new ArrayList<>();
        faces.stream()
                .sorted(Comparator.comparingDouble(face -> face.box().x()))
                .forEach(face -> {
                    DetectedFace.Box box = face.box();
                    all.addAll(List.of(box.x(), box.y(), box.width(), box.height(), face.score()));
                    face.points().forEach(point -> all.addAll(List.of(point.x(), point.y())));
                });
        return all.stream().mapToDouble(Double::doubleValue).toArray();
    }

    @ParameterizedTest
    @CsvSource({
        "yunet, 256, 256",
        "yunet, 320, 256",
        "yunet, 250, 310",
        "yunet, 640, 470",
        "scrfd, 256, 256",
        "scrfd, 310, 250",
        "scrfd, 640, 470"
    })
    void findsWhatOpenCvFinds(String kind, int width, int height) throws Exception {
        FastOneDnn.assume();
        Path file = file(kind);
        byte[] model = Files.readAllBytes(file);
        Optional<DetectionEngine.Network> engine = engine(kind, file, model);
        assertThat(engine).as("oneDNN runs it").isPresent();
        try (DetectionNetwork own = network(kind, model, engine);
                DetectionNetwork openCv = network(kind, model, Optional.empty());
                Mat photo = photo(width, height)) {
            List<DetectedFace> faces = own.detect(photo);
            assertThat(faces).hasSizeGreaterThan(5);
            assertThat(numbers(faces)).containsExactly(numbers(openCv.detect(photo)), within(1e-3));
        }
    }

    /** OpenCV's own class for YuNet, which this library cannot use: JavaCPP loads OpenCV's windows with it. */
    @ParameterizedTest
    @CsvSource({"256, 256", "320, 200", "250, 310"})
    void findsWhatOpenCvsOwnClassFinds(int width, int height) throws IOException {
        byte[] model = Files.readAllBytes(file(YUNET));
        try {
            NativeLibraries.load(opencv_objdetect.class, "OpenCV");
        } catch (IllegalStateException e) {
            Assumptions.abort("OpenCV's windows need GTK here: " + e.getMessage());
        }
        try (DetectionNetwork ours = network(YUNET, model, Optional.empty());
                Mat photo = photo(width, height);
                Mat bgr = new Mat();
                Mat found = new Mat();
                Size size = new Size(width, height);
                FaceDetectorYN theirs =
                        FaceDetectorYN.create("onnx", model, new byte[0], size, 0.51f, 0.3f, 5000, 0, 0)) {
            cvtColor(photo, bgr, COLOR_RGB2BGR);
            theirs.detect(bgr, found);
            List<DetectedFace> expected = new ArrayList<>();
            for (int row = 0; row < found.rows(); row++) {
                float[] values = new float[15]; // x, y, width, height, five times x and y, score
                new FloatPointer(found.ptr(row)).get(values);
                List<DetectedFace.Point> points = new ArrayList<>();
                for (int i = 0; i < DetectedFace.POINTS; i++) {
                    points.add(new DetectedFace.Point(values[4 + 2 * i], values[5 + 2 * i]));
                }
                DetectedFace.Box box = new DetectedFace.Box(values[0], values[1], values[2], values[3]);
                expected.add(new DetectedFace(box, points, values[14]));
            }
            assertThat(expected).hasSizeGreaterThan(5);
            assertThat(numbers(ours.detect(photo))).containsExactly(numbers(expected), within(1e-3));
        }
    }

    /** Boxes were taken for scores, without a word, where the file does not give the sizes of its outputs. */
    @Test
    void refusesOutputsInAnotherOrder() throws IOException {
        FastOneDnn.assume();
        Path file = file(SCRFD, true);
        byte[] model = Files.readAllBytes(file);
        assertThat(engine(SCRFD, file, model)).as("oneDNN runs it").isPresent();
        assertThatThrownBy(() -> FaceDetector.open(file))
                .isInstanceOf(DetectorException.class)
                .hasMessageStartingWith("face detector " + file
                        + " must be SCRFD's .onnx file with five landmarks, but one" + " of its outputs has ");
    }

    @Test
    void networkNeedsItsFileOnlyWhenItIsOpened() throws Exception {
        Path file = file(YUNET);
        try (FaceDetector detector = FaceDetector.open(
                        file, defaults -> defaults.withScoreThreshold(0.51).withSmallestFacePx(1));
                Mat photo = photo(256, 256);
                Mat other = photo(600, 400)) {
            Files.delete(file);
            assertThat(detector.detect(photo)).isNotEmpty();
            assertThat(detector.detect(other)).isNotEmpty();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {YUNET, SCRFD})
    void manyThreadsAndSizesGetTheSameBitsAndLeakNothing(String kind) throws Exception {
        Path file = file(kind);
        round(file); // loads everything
        long before = Pointer.totalCount();
        for (int i = 0; i < 4; i++) {
            round(file);
        }
        assertThat(Pointer.totalCount() - before).isLessThan(4);
    }

    private static void round(Path file) throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(4);
        try (FaceDetector detector = FaceDetector.open(
                file, defaults -> defaults.withScoreThreshold(0.51).withSmallestFacePx(1))) {
            List<int[]> sizes = List.of(new int[] {256, 256}, new int[] {200, 320}, new int[] {480, 300});
            List<Future<Boolean>> equal = new ArrayList<>();
            for (int[] size : sizes) {
                double[] first;
                try (Mat photo = photo(size[0], size[1])) {
                    first = numbers(detector.detect(photo));
                    assertThat(first).isNotEmpty();
                    for (int i = 0; i < 3; i++) { // layers may be cut into parts from now on
                        assertThat(numbers(detector.detect(photo))).isEqualTo(first);
                    }
                }
                Callable<Boolean> again = () -> {
                    try (Mat photo = photo(size[0], size[1])) {
                        return Arrays.equals(first, numbers(detector.detect(photo)));
                    }
                };
                for (int i = 0; i < 4; i++) {
                    equal.add(threads.submit(again));
                }
            }
            for (Future<Boolean> same : equal) {
                assertThat(same.get()).isTrue();
            }
        } finally {
            threads.shutdown();
        }
    }

    @Test
    void graphsThatAreNotCoveredAreLeftToOpenCv() throws IOException {
        Path text = Files.writeString(folder.resolve("text.onnx"), "no model");
        assertThat(DetectionEngine.find(text, List.of("out"), Scrfd.INPUT)).isEmpty();
        assertThat(DetectionEngine.find(file(YUNET), List.of("missing"), YuNet.INPUT))
                .isEmpty();
    }

    /** Fails from the given call on. */
    private static final class Failing implements DetectionEngine.Network {
        private final DetectionEngine.Network works;
        private final int from;
        private int calls;
        private boolean closed;

        Failing(DetectionEngine.Network works, int from) {
            this.works = works;
            this.from = from;
        }

        @Override
        public float[] run(byte[] pixels, int heightPx, int widthPx, int canvasHeightPx, int canvasWidthPx) {
            if (++calls >= from) {
                throw new IllegalStateException("no memory\n at 0x0");
            }
            return works.run(pixels, heightPx, widthPx, canvasHeightPx, canvasWidthPx);
        }

        @Override
        public void close() {
            closed = true;
            works.close();
        }
    }

    private Failing failing(Path file, int from) {
        List<String> outputs = YuNet.OUTPUTS;
        return new Failing(DetectionEngine.find(file, outputs, YuNet.INPUT).orElseThrow(), from);
    }

    @Test
    void engineThatFailsAtOnceIsReplacedAndOneThatFailsLaterIsNamed() throws IOException {
        FastOneDnn.assume();
        Path file = file(YUNET);
        byte[] model = Files.readAllBytes(file);
        Failing never = failing(file, 1);
        try (YuNet network = YuNet.open(model, "yunet.onnx", FaceDetector.Settings.DEFAULT, Optional.of(never));
                Mat photo = photo(256, 256)) {
            assertThat(never.closed).isTrue();
            network.detect(photo); // by OpenCV
        }
        Failing later = failing(file, 2); // after the blank image
        try (YuNet network = YuNet.open(model, "yunet.onnx", FaceDetector.Settings.DEFAULT, Optional.of(later));
                Mat photo = photo(256, 256)) {
            assertThatThrownBy(() -> network.detect(photo))
                    .isInstanceOf(DetectorException.class)
                    .hasMessage("face detector yunet.onnx cannot process an image of 256x256: no memory");
        }
        assertThat(later.closed).isTrue();
    }
}
