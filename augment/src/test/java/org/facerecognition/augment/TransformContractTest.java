package org.facerecognition.augment;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.bytedeco.opencv.global.opencv_core.CV_8UC1;
import static org.bytedeco.opencv.global.opencv_core.CV_8UC3;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeSet;
import org.bytedeco.opencv.opencv_core.Mat;
import org.bytedeco.opencv.opencv_core.Rect;
import org.bytedeco.opencv.opencv_core.Scalar;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The contract of all transforms. */
class TransformContractTest {
    /** Transforms that do not turn an image of one color into an image of one color. */
    private static final List<Transform> NOT_UNIFORM = List.of(
            new RandomErasing(1, new Range(0.02, 0.33), new Range(0.3, 3.3), 7, 8, 9),
            new RandomResizedCrop(),
            new RandomCropOnBlack(),
            new RandomRotation(30),
            new RandomRotation(new Range(-30, 30), Interpolation.BILINEAR),
            new RandomAffine(
                    new Range(-20, 20),
                    0.2,
                    0.1,
                    new Range(0.7, 1.4),
                    new Range(-10, 10),
                    new Range(-5, 5),
                    Interpolation.BILINEAR),
            new RandAugment(),
            new RandAugment(3, 30, 31, Interpolation.BILINEAR),
            new TrivialAugmentWide(),
            new GaussianNoise(),
            new Occlusion());

    static List<Transform> transforms() {
        List<Transform> all = new ArrayList<>(Presets.fiveColor());
        all.add(new ColorJitter(0.4, 0.4, 0.4, 0.1));
        all.add(new RandomPosterize(4, 1));
        all.add(new RandomEqualize(1));
        all.add(new GaussianBlur(3, 3, 0.5, 0.5));
        all.add(new Pipeline(Presets.fiveColor()));
        all.add(new RandomHorizontalFlip(1));
        all.add(new RandomHorizontalFlip());
        all.add(Pipeline.of());
        all.add(new RandomSolarize(128, 1));
        all.add(new RandomInvert(1));
        all.add(new RandomAutocontrast(1));
        all.add(new RandomAdjustSharpness(2.5, 1));
        all.addAll(NOT_UNIFORM);
        all.add(new LowResolution());
        all.add(new RandomGamma());
        all.add(new JpegCompression());
        all.add(new MotionBlur());
        all.add(new RandomApply(List.of(new RandomInvert(1), new Grayscale(3)), 0.5));
        all.add(OneOf.of(new RandomInvert(1), new Grayscale(3)));
        return all;
    }

    @ParameterizedTest
    @MethodSource("transforms")
    void keepsSizeAndTypeAndDoesNotChangeItsInput(Transform transform) {
        for (int[] size : new int[][] {{1, 1}, {1, 9}, {7, 3}, {112, 112}}) {
            try (Mat image = noise(size[0], size[1])) {
                byte[] before = Images.toBytes(image);
                for (int seed = 0; seed < 5; seed++) {
                    try (Mat result = transform.apply(image, new SplittableRandom(seed))) {
                        assertThat(result.rows()).isEqualTo(size[0]);
                        assertThat(result.cols()).isEqualTo(size[1]);
                        assertThat(result.type()).isEqualTo(CV_8UC3);
                        assertThat(result.address()).isNotEqualTo(image.address());
                        result.data().put((byte) 7); // would change the input if the result shared its memory
                    }
                    assertThat(Images.toBytes(image)).isEqualTo(before);
                }
            }
        }
    }

    @ParameterizedTest
    @MethodSource("transforms")
    void equalSeedsGiveEqualBytes(Transform transform) {
        try (Mat image = noise(20, 30);
                Mat first = transform.apply(image, new SplittableRandom(5));
                Mat second = transform.apply(image, new SplittableRandom(5))) {
            assertThat(Images.toBytes(first)).isEqualTo(Images.toBytes(second));
        }
    }

    @ParameterizedTest
    @MethodSource("transforms")
    void treatsARegionOfALargerImageLikeACopyOfIt(Transform transform) {
        try (Mat whole = noise(20, 30);
                Mat view = new Mat(whole, new Rect(3, 2, 11, 13));
                Mat copy = view.clone();
                Mat ofView = transform.apply(view, new SplittableRandom(5));
                Mat ofCopy = transform.apply(copy, new SplittableRandom(5))) {
            assertThat(Images.toBytes(ofView)).isEqualTo(Images.toBytes(ofCopy));
        }
    }

    @ParameterizedTest
    @MethodSource("transforms")
    void acceptsBlackWhiteAndPureColors(Transform transform) {
        for (int color = 0; color < 8; color++) {
            try (Mat image = ofOneColor(color);
                    Mat result = transform.apply(image, new SplittableRandom(color))) {
                assertThat(result.total()).isEqualTo(image.total());
            }
        }
    }

    static List<Transform> uniformTransforms() {
        return transforms().stream()
                .filter(transform -> !NOT_UNIFORM.contains(transform))
                .toList();
    }

    @ParameterizedTest
    @MethodSource("uniformTransforms")
    void anImageOfOneColorStaysOne(Transform transform) {
        for (int color = 0; color < 8; color++) {
            try (Mat image = ofOneColor(color);
                    Mat result = transform.apply(image, new SplittableRandom(color))) {
                byte[] out = Images.toBytes(result);
                for (int i = 3; i < out.length; i++) {
                    assertThat(out[i]).isEqualTo(out[i % 3]);
                }
                if (transform instanceof MotionBlur
                        || transform instanceof LowResolution
                        || transform instanceof GaussianBlur) { // what averages neighbors also keeps the color
                    assertThat(out).isEqualTo(Images.toBytes(image));
                }
            }
        }
    }

    /** @param color three bits, one per channel */
    private static Mat ofOneColor(int color) {
        byte[] bytes = new byte[3 * 6 * 6];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = (byte) ((color >> (i % 3) & 1) * 255);
        }
        return Images.ofBytes(bytes, 6, 6);
    }

    /** The result, and as much memory again. Linux reports the peak of a process. */
    @ParameterizedTest
    @MethodSource("transforms")
    @EnabledOnOs(OS.LINUX)
    void aLargeImageNeedsAtMostTwiceItsMemory(Transform transform) throws IOException {
        int side = 2800;
        int kilobytes = 3 * side * side / 1024;
        Path status = Path.of("/proc/self/status");
        Path peak = Path.of("/proc/self/clear_refs");
        assumeTrue(Files.isWritable(peak), "this system cannot reset the peak of a process");
        try (Mat image = new Mat(side, side, CV_8UC3, new Scalar(200, 100, 50, 0))) {
            transform.apply(image, new SplittableRandom(0)).close(); // allocations that are made only once
            Files.writeString(peak, "5"); // resets it
            long before = kilobytes(status, "VmRSS");
            try (Mat result = transform.apply(image, new SplittableRandom(1))) {
                assertThat(result.total()).isEqualTo((long) side * side);
            }
            long extra = kilobytes(status, "VmHWM") - before;
            int images = transform instanceof Pipeline ? 3 : 2; // a step keeps its input
            assertThat(extra).as("kB for an image of %d", kilobytes).isLessThan(images * kilobytes + 12_000);
        }
    }

    private static long kilobytes(Path status, String field) throws IOException {
        return Files.readAllLines(status).stream()
                .filter(line -> line.startsWith(field))
                .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")))
                .findFirst()
                .orElseThrow();
    }

    @ParameterizedTest
    @MethodSource("transforms")
    void printsTheLineThatCreatesIt(Transform transform) {
        assertThat(TransformLine.parse(transform.toString())).containsExactly(transform);
    }

    @Test
    void coversEveryTransform() {
        Set<String> covered = new TreeSet<>();
        transforms().forEach(transform -> covered.add(transform.getClass().getSimpleName()));
        assertThat(covered).containsExactlyInAnyOrderElementsOf(TransformNames.all());
    }

    @ParameterizedTest
    @MethodSource("transforms")
    void rejectsImagesThatAreNotRgb(Transform transform) {
        try (Mat gray = new Mat(4, 5, CV_8UC1);
                Mat empty = new Mat()) {
            assertThatThrownBy(() -> transform.apply(gray, new SplittableRandom(0)))
                    .hasMessage("image must be RGB uint8 (CV_8UC3), but was CV_8UC1 of 5x4");
            assertThatThrownBy(() -> transform.apply(empty, new SplittableRandom(0)))
                    .hasMessage("image must be RGB uint8 (CV_8UC3), but was empty");
        }
    }

    @Test
    void pixelFunctionsRefuseNumbersWithoutMeaning() {
        Interpolation nearest = Interpolation.NEAREST;
        try (Mat image = noise(4, 5);
                Mat wide = noise(1, 70_000)) {
            for (double sigma : new double[] {0, -1, Double.NaN, Double.POSITIVE_INFINITY}) {
                assertThatThrownBy(() -> GaussianBlur.blur(image, 5, 5, sigma))
                        .hasMessage("sigma must be positive and finite, but was " + sigma);
            }
            for (Runnable warp : List.<Runnable>of(
                    () -> RandomAffine.affine(image, 0, 0, 0, 0, 0, 0, nearest).close(),
                    () -> RandomAffine.affine(image, 0, Double.NaN, 0, 1, 0, 0, nearest)
                            .close(),
                    () -> RandomRotation.rotate(image, Double.NaN, nearest).close())) {
                assertThatThrownBy(warp::run)
                        .isInstanceOf(IllegalArgumentException.class)
                        .hasMessageStartingWith("angles, translations and shears must be finite and the scale not 0");
            }
            for (double sigma : new double[] {-1, Double.NaN, Double.POSITIVE_INFINITY}) {
                assertThatThrownBy(() -> GaussianNoise.add(image, sigma, 0))
                        .isInstanceOf(IllegalArgumentException.class);
            }
            for (double length : new double[] {0.5, -5, Double.NaN, 50_000}) {
                assertThatThrownBy(() -> MotionBlur.blur(image, length, 0))
                        .isInstanceOf(IllegalArgumentException.class);
            }
            assertThatThrownBy(() -> MotionBlur.blur(image, 3, Double.NaN))
                    .hasMessage("degrees must be finite, but was NaN");
            assertThatThrownBy(() -> new MotionBlur(new Range(3, 50_000))) // its kernel would not fit into memory
                    .hasMessage("length must be in [1, 1000] pixels, but was (3.0, 50000.0)");
            for (int quality : new int[] {0, 101}) {
                assertThatThrownBy(() -> JpegCompression.compress(image, quality))
                        .hasMessageStartingWith("quality must be in [1, 100], but was");
            }
            assertThatThrownBy(() -> JpegCompression.compress(wide, 50))
                    .hasMessage("image must have at most 65500 px on a side to be compressed as JPEG, but was 70000x1");
        }
    }

    static Mat noise(int rows, int cols) {
        byte[] bytes = new byte[3 * rows * cols];
        new Random(3).nextBytes(bytes);
        return Images.ofBytes(bytes, rows, cols);
    }
}
