package org.facerecognition.augment;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.bytedeco.opencv.global.opencv_core.CV_8UC3;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.bytedeco.opencv.opencv_core.Mat;
import org.bytedeco.opencv.opencv_core.Scalar;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The random numbers of the transforms: torchvision's ranges and distributions. */
class DrawTest {
    private static final int DRAWS = 20_000;

    private final SplittableRandom random = new SplittableRandom(11);

    @Test
    void colorJitterDrawsUniformlyFromItsRanges() {
        ColorJitter jitter = ColorJitter.none().withBrightness(0.5).withHue(0.3);
        List<Double> brightness = new ArrayList<>();
        List<Double> hue = new ArrayList<>();
        int hueFirst = 0;
        for (int i = 0; i < DRAWS; i++) {
            List<Adjustment> drawn = jitter.draw(random);
            assertThat(drawn).hasSize(2);
            hueFirst += drawn.get(0).kind() == Adjustment.Kind.HUE ? 1 : 0;
            drawn.forEach(a -> (a.kind() == Adjustment.Kind.HUE ? hue : brightness).add(a.amount()));
        }

        assertUniform(brightness, 0.5, 1.5);
        assertUniform(hue, -0.3, 0.3);
        assertThat(hueFirst / (double) DRAWS).isCloseTo(0.5, within(0.02));
    }

    @Test
    void allOrdersOfFourAreEquallyLikely() {
        ColorJitter jitter = new ColorJitter(0.1, 0.1, 0.1, 0.1);
        Map<List<Adjustment.Kind>, Integer> orders = new HashMap<>();
        for (int i = 0; i < DRAWS; i++) {
            orders.merge(jitter.draw(random).stream().map(Adjustment::kind).toList(), 1, Integer::sum);
        }

        assertThat(orders).hasSize(24);
        assertThat(orders.values())
                .allSatisfy(n -> assertThat(n / (double) DRAWS).isCloseTo(1 / 24.0, within(0.006)));
    }

    @Test
    void anAmountAboveOneGivesNoNegativeFactor() {
        assertThat(new ColorJitter(1.5, 0, 0, 0).brightness()).isEqualTo(new Range(0, 2.5));
    }

    @Test
    void posterizeAndEqualizeChangeHalfOfTheImages() {
        try (Mat image = TransformContractTest.noise(9, 9)) {
            assertThat(changedFraction(image, new RandomPosterize(2))).isCloseTo(0.5, within(0.03));
            assertThat(changedFraction(image, new RandomPosterize(2, 0.1))).isCloseTo(0.1, within(0.03));
            assertThat(changedFraction(image, new RandomPosterize(2, 1))).isEqualTo(1);
        }
        try (Mat image = TransformContractTest.noise(40, 40)) {
            assertThat(changedFraction(image, new RandomEqualize())).isCloseTo(0.5, within(0.03));
            assertThat(changedFraction(image, new RandomEqualize(0))).isZero();
        }
    }

    private double changedFraction(Mat image, Transform transform) {
        int changed = 0;
        int draws = 3000;
        for (int i = 0; i < draws; i++) {
            try (Mat result = transform.apply(image, random)) {
                changed += Differences.between(image, result).largest() > 0 ? 1 : 0;
            }
        }
        return changed / (double) draws;
    }

    @Test
    void blurDrawsItsSigma() {
        // the value of a white dot after the blur depends on sigma
        byte[] dot = new byte[3 * 31 * 31];
        dot[3 * (15 * 31 + 15)] = (byte) 255;
        List<Double> kept = new ArrayList<>();
        try (Mat image = Images.ofBytes(dot, 31, 31)) {
            for (int i = 0; i < 300; i++) {
                try (Mat blurred = new GaussianBlur(5, 9, 0.1, 5).apply(image, random)) {
                    kept.add((double) (Images.toBytes(blurred)[3 * (15 * 31 + 15)] & 0xff));
                }
            }
        }
        assertThat(kept.stream().mapToDouble(v -> v).max().orElseThrow()).isGreaterThan(200); // sigma near 0.1
        assertThat(kept.stream().mapToDouble(v -> v).min().orElseThrow()).isLessThan(8); // sigma near 5
    }

    private static void assertUniform(List<Double> values, double min, double max) {
        assertThat(values).hasSize(DRAWS).allMatch(v -> v >= min && v <= max);
        for (int tenth = 0; tenth < 10; tenth++) {
            double from = min + (max - min) * tenth / 10;
            double to = min + (max - min) * (tenth + 1) / 10;
            long inside = values.stream()
                    .filter(v -> v >= from && (v < to || v == max && v == to))
                    .count();
            assertThat(inside / (double) DRAWS).isCloseTo(0.1, within(0.01));
        }
    }

    @Test
    void erasingAndCroppingDrawAreasAndRatiosLikeTorchvision() {
        RandomErasing erasing = new RandomErasing();
        RandomResizedCrop crop = new RandomResizedCrop();
        List<Double> erased = new ArrayList<>();
        List<Double> ratios = new ArrayList<>();
        List<Double> left = new ArrayList<>();
        List<Double> kept = new ArrayList<>();
        int side = 1000;
        for (int i = 0; i < DRAWS; i++) {
            RandomErasing.Box box = erasing.draw(side, side, random).orElseThrow();
            erased.add((double) box.width() * box.height() / side / side);
            ratios.add(Math.log((double) box.height() / box.width()));
            left.add((double) box.x() / (side - box.width()));
            RandomErasing.Box part = crop.draw(side, side, random);
            kept.add((double) part.width() * part.height() / side / side);
            assertThat((double) part.width() / part.height()).isBetween(0.745, 1.342);
        }
        assertUniform(limited(erased, 0.02, 0.33), 0.02, 0.33);
        assertUniform(limited(ratios, Math.log(0.3), Math.log(3.3)), Math.log(0.3), Math.log(3.3));
        assertUniform(left, 0, 1);
        // a wide part with a large area does not fit and is drawn again, so large areas are slightly less frequent
        assertThat(kept).allMatch(share -> share > 0.079 && share <= 1);
        assertThat(kept.stream().mapToDouble(share -> share).average().orElseThrow())
                .isCloseTo(0.476, within(0.01)); // torchvision's mean over 20,000 draws
    }

    /** Limits values to a range; sides are whole pixels, so areas and ratios may slightly exceed it. */
    private static List<Double> limited(List<Double> values, double min, double max) {
        double slack = 0.02 * (max - min);
        assertThat(values).allMatch(v -> v > min - slack && v < max + slack);
        return values.stream().map(v -> Math.min(max, Math.max(min, v))).toList();
    }

    @Test
    void affineDrawsFromItsRangesInWholePixels() {
        RandomAffine affine = new RandomAffine(
                new Range(-20, 20),
                0.1,
                0.2,
                new Range(0.8, 1.2),
                new Range(-5, 5),
                new Range(0, 0),
                Interpolation.NEAREST);
        List<Double> degrees = new ArrayList<>();
        List<Double> scales = new ArrayList<>();
        for (int i = 0; i < DRAWS; i++) {
            Warp.Motion motion = affine.draw(100, 50, random);
            degrees.add(motion.degrees());
            scales.add(motion.scale());
            assertThat(motion.translateX()).isBetween(-10.0, 10.0).isEqualTo(Math.rint(motion.translateX()));
            assertThat(motion.translateY()).isBetween(-10.0, 10.0);
            assertThat(motion.shearX()).isBetween(-5.0, 5.0);
            assertThat(motion.shearY()).isZero();
        }
        assertUniform(degrees, -20, 20);
        assertUniform(scales, 0.8, 1.2);
    }

    @Test
    void automaticAugmentationsHaveTheMagnitudesOfTorchvision() {
        RandAugment rand = new RandAugment();
        TrivialAugmentWide trivial = new TrivialAugmentWide();
        assertThat(rand.magnitude(AugmentOp.SHEAR_X, 112, 96)).isCloseTo(0.09, within(1e-9));
        assertThat(rand.magnitude(AugmentOp.TRANSLATE_X, 112, 96)).isCloseTo(150.0 / 331 * 112 * 0.3, within(1e-9));
        assertThat(rand.magnitude(AugmentOp.TRANSLATE_Y, 112, 96)).isCloseTo(150.0 / 331 * 96 * 0.3, within(1e-9));
        assertThat(rand.magnitude(AugmentOp.POSTERIZE, 112, 96)).isEqualTo(7); // 8 - round(9 / 7.5)
        assertThat(rand.magnitude(AugmentOp.SOLARIZE, 112, 96)).isCloseTo(178.5, within(1e-9));
        for (int bin = 0; bin < 31; bin++) { // a threshold of 187 + 1e-14 would leave the pixels of 187
            assertThat(trivial.magnitude(AugmentOp.SOLARIZE, bin)).isEqualTo(255 - 8.5 * bin);
            assertThat(new RandAugment(2, bin, 31, Interpolation.NEAREST).magnitude(AugmentOp.SOLARIZE, 112, 96))
                    .isEqualTo(255 - 8.5 * bin);
        }
        assertThat(trivial.magnitude(AugmentOp.ROTATE, 30)).isEqualTo(135);
        assertThat(trivial.magnitude(AugmentOp.POSTERIZE, 30)).isEqualTo(2);
        assertThat(trivial.magnitude(AugmentOp.POSTERIZE, 0)).isEqualTo(8);
        assertThat(trivial.magnitude(AugmentOp.COLOR, 15)).isCloseTo(0.495, within(1e-9));
        assertThat(AugmentOp.SHEAR_X.isSigned()).isTrue();
        assertThat(AugmentOp.SHARPNESS.isSigned()).isTrue();
        assertThat(AugmentOp.POSTERIZE.isSigned()).isFalse();
        assertThat(AugmentOp.IDENTITY.isSigned()).isFalse();
    }

    @Test
    void oneOfAndRandomApplyChooseWithTheirProbabilities() {
        try (Mat image = TransformContractTest.noise(9, 9)) {
            OneOf one = OneOf.of(new RandomInvert(1), new RandomInvert(0), new RandomInvert(0), new RandomInvert(0));
            assertThat(changedFraction(image, one)).isCloseTo(0.25, within(0.03));
            assertThat(changedFraction(image, new RandomApply(new RandomInvert(1), 0.2)))
                    .isCloseTo(0.2, within(0.03));
            assertThat(changedFraction(image, new RandomSolarize(0))).isCloseTo(0.5, within(0.03));
            // a few do not fit or are black already
            assertThat(changedFraction(image, new RandomErasing())).isBetween(0.4, 0.53);
        }
    }

    @Test
    void lowResolutionAndMotionBlurReduceTheContrastOfNoise() {
        try (Mat image = TransformContractTest.noise(60, 60)) {
            assertThat(std(image, new LowResolution(new Range(0.2, 0.2)))).isLessThan(0.8 * std(image));
            assertThat(std(image, new MotionBlur(new Range(9, 9)))).isLessThan(0.5 * std(image));
        }
    }

    @Test
    void jpegCompressionChangesNoise() {
        try (Mat image = TransformContractTest.noise(60, 60)) {
            assertThat(std(image, new JpegCompression(new Range(10, 10)))).isNotEqualTo(std(image));
        }
    }

    @Test
    void jpegCompressionKeepsColors() {
        byte[] halves = new byte[3 * 32 * 32]; // red to the left, blue to the right
        for (int i = 0; i < 32 * 32; i++) {
            halves[3 * i + (i % 32 < 16 ? 0 : 2)] = (byte) 255;
        }
        try (Mat image = Images.ofBytes(halves, 32, 32);
                Mat result = JpegCompression.compress(image, 100)) {
            byte[] out = Images.toBytes(result);
            for (int i = 0; i < out.length; i++) {
                if (Math.abs(i / 3 % 32 - 15.5) > 2) { // JPEG mixes the colors of neighbors
                    assertThat(out[i] & 0xff).isCloseTo(halves[i] & 0xff, within(8));
                }
            }
        }
    }

    /** The blur used to move images by up to a sixteenth of a pixel, and one of two pixels hardly blurred. */
    @ParameterizedTest
    @CsvSource({
        "1,0,0 0 240 0 0",
        "2,0,0 60 120 60 0",
        "3,0,0 80 80 80 0",
        "3,180,0 80 80 80 0",
        "4,0,30 60 60 60 30",
        "5,0,48 48 48 48 48",
        "3,90,0 80 80 80 0"
    })
    void motionBlurIsTheMeanAlongALine(double length, double degrees, String expected) {
        byte[] dot = new byte[3 * 5 * 5];
        Arrays.fill(dot, 3 * 12, 3 * 13, (byte) 240); // in the middle
        try (Mat image = Images.ofBytes(dot, 5, 5);
                Mat result = MotionBlur.blur(image, length, degrees)) {
            byte[] out = Images.toBytes(result);
            boolean vertical = degrees == 90;
            assertThat(IntStream.range(0, 5)
                            .map(i -> out[3 * (vertical ? 5 * i + 2 : 5 * 2 + i)] & 0xff)
                            .mapToObj(String::valueOf)
                            .collect(Collectors.joining(" ")))
                    .isEqualTo(expected);
            assertThat(IntStream.range(0, 25).map(i -> out[3 * i] & 0xff).sum()).isEqualTo(240);
        }
    }

    @Test
    void gaussianNoiseHasItsStandardDeviation() {
        try (Mat gray = gray()) {
            assertThat(std(gray, new GaussianNoise(new Range(10, 10)))).isCloseTo(10, within(0.5));
            assertThat(std(gray, new GaussianNoise(new Range(0, 0)))).isZero();
        }
    }

    @Test
    void aMaskCoversTheChinAndNotTheForehead() {
        try (Mat gray = gray();
                Mat masked = new Occlusion(Occlusion.Cover.MASK).apply(gray, random)) {
            byte[] out = Images.toBytes(masked);
            assertThat(out[3 * (60 * 20 + 30)]).as("forehead").isEqualTo((byte) 128);
            assertThat(out[3 * (60 * 59 + 30)]).as("chin").isEqualTo(out[3 * (60 * 45 + 30)]);
            assertThat(out[3 * (60 * 59 + 30)]).as("chin").isNotEqualTo((byte) 128);
        }
    }

    @Test
    void glassesAndBlocksChangePixels() {
        try (Mat gray = gray()) {
            assertThat(std(gray, new Occlusion(Occlusion.Cover.GLASSES))).isPositive();
            assertThat(std(gray, new Occlusion(Occlusion.Cover.BLOCK))).isPositive();
        }
    }

    private static Mat gray() {
        return new Mat(60, 60, CV_8UC3, new Scalar(128, 128, 128, 0));
    }

    private double std(Mat image, Transform transform) {
        try (Mat result = transform.apply(image, random)) {
            return std(result);
        }
    }

    /** The standard deviation of all values. */
    private static double std(Mat image) {
        byte[] bytes = Images.toBytes(image);
        double mean = IntStream.range(0, bytes.length)
                .map(i -> bytes[i] & 0xff)
                .average()
                .orElseThrow();
        return Math.sqrt(IntStream.range(0, bytes.length)
                .mapToDouble(i -> Math.pow((bytes[i] & 0xff) - mean, 2))
                .average()
                .orElseThrow());
    }

    @Test
    void aPipelineAppliesItsTransformsInOrder() {
        try (Mat image = TransformContractTest.noise(12, 12);
                Mat both =
                        Pipeline.of(new RandomPosterize(1, 1), new Grayscale(3)).apply(image, random);
                Mat posterized = RandomPosterize.posterize(image, 1);
                Mat expected = Grayscale.grayscale(posterized)) {
            assertThat(Images.toBytes(both)).isEqualTo(Images.toBytes(expected));
        }
    }

    @Test
    void transformsPrintLikeTorchvision() {
        assertThat(Presets.fiveColor())
                .map(Object::toString)
                .containsExactly(
                        "Grayscale(num_output_channels=3)",
                        "ColorJitter(brightness=0.5, hue=0.3)",
                        "GaussianBlur(kernel_size=(5, 9), sigma=(0.1, 5.0))",
                        "RandomPosterize(bits=2, p=0.5)",
                        "RandomEqualize(p=0.5)");
    }

    @Test
    void rejectsParametersOutOfRange() {
        assertRejected(() -> new Grayscale(1), "outputChannels must be 3 (an image keeps its type), but was 1");
        assertRejected(() -> new RandomPosterize(9), "bits must be in [0, 8], but was 9");
        assertRejected(() -> new RandomEqualize(1.5), "p must be in [0, 1], but was 1.5");
        assertRejected(() -> new RandomSolarize(257), "threshold must be in [0, 256], but was 257.0");
        assertRejected(
                () -> new RandomAdjustSharpness(-1), "sharpness factor must be finite and not negative, but was -1.0");
        assertRejected(
                () -> new RandAugment(2, 31, 31, Interpolation.NEAREST), "magnitude must be in [0, 31), but was 31");
        assertRejected(() -> new LowResolution(new Range(0, 1)), "scale must be in (0, 1], but was (0.0, 1.0)");
        assertRejected(() -> new JpegCompression(new Range(0, 50)), "quality must be in [1, 100], but was (0.0, 50.0)");
        assertRejected(() -> new MotionBlur(new Range(0, 5)), "length must be in [1, 1000] pixels, but was (0.0, 5.0)");
        assertRejected(() -> new GaussianNoise(new Range(-1, 5)), "sigma must not be negative, but was (-1.0, 5.0)");
        assertRejected(() -> new OneOf(List.of()), "OneOf must have at least one transform, but had none");
        assertRejected(() -> new GaussianBlur(4, 9, 1, 2), "kernelWidth must be odd and positive, but was 4");
        assertRejected(() -> new GaussianBlur(5, 9, 0, 2), "sigma must be positive, but was (0.0, 2.0)");
        assertRejected(() -> new GaussianBlur(5, 9, 2, 1), "range must have finite min <= max, but was (2.0, 1.0)");
        assertRejected(() -> ColorJitter.none().withHue(0.6), "hue must be in [-0.5, 0.5] turns, but was (-0.6, 0.6)");
        assertRejected(() -> ColorJitter.none().withBrightness(-1), "brightness must not be negative, but was -1.0");
        assertRejected(() -> ColorJitter.none().withContrast(Double.NaN), "contrast must not be negative, but was NaN");
    }

    private static void assertRejected(Supplier<Transform> maker, String message) {
        assertThatThrownBy(maker::get)
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(message);
    }

    @Test
    void equalizingKeepsTheOrderOfValues() {
        byte[] ramp = new byte[3 * 256 * 4];
        IntStream.range(0, ramp.length).forEach(i -> ramp[i] = (byte) (60 + i / 12 / 4));
        try (Mat image = Images.ofBytes(ramp, 4, 256);
                Mat equalized = RandomEqualize.equalize(image)) {
            byte[] out = Images.toBytes(equalized);
            int previous = -1;
            for (int i = 0; i < out.length; i += 3) {
                assertThat(out[i] & 0xff).isGreaterThanOrEqualTo(previous);
                previous = out[i] & 0xff;
            }
            assertThat(previous).isGreaterThan(240);
        }
    }
}
