package org.facerecognition.augment;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.bytedeco.opencv.opencv_core.Mat;
import org.junit.jupiter.api.Test;

/** What is drawn: torchvision's ranges, evenly, in all orders. */
class DrawTest {
    private static final int DRAWS = 20_000;

    private final SplittableRandom random = new SplittableRandom(11);

    @Test
    void colorJitterDrawsTheStudysRangesEvenly() {
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
    void aFactorAboveOneDoesNotReachBelowZero() {
        assertThat(new ColorJitter(1.5, 0, 0, 0).brightness()).isEqualTo(new Range(0, 2.5));
    }

    @Test
    void posterizeAndEqualizeChangeHalfOfTheImages() {
        try (Mat image = TransformContractTest.noise(9, 9)) {
            assertThat(changed(image, new RandomPosterize(2))).isCloseTo(0.5, within(0.03));
            assertThat(changed(image, new RandomPosterize(2, 0.1))).isCloseTo(0.1, within(0.03));
            assertThat(changed(image, new RandomPosterize(2, 1))).isEqualTo(1);
        }
        try (Mat image = TransformContractTest.noise(40, 40)) {
            assertThat(changed(image, new RandomEqualize())).isCloseTo(0.5, within(0.03));
            assertThat(changed(image, new RandomEqualize(0))).isZero();
        }
    }

    private double changed(Mat image, Transform transform) {
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
        // the value that a white dot keeps tells sigma
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
            long inside = values.stream().filter(v -> v >= from && v < to).count();
            assertThat(inside / (double) DRAWS).isCloseTo(0.1, within(0.01));
        }
    }

    @Test
    void aPipelineAppliesAllInOrder() {
        try (Mat image = TransformContractTest.noise(12, 12);
                Mat both =
                        Pipeline.of(new RandomPosterize(1, 1), new Grayscale(3)).apply(image, random);
                Mat posterized = RandomPosterize.posterize(image, 1);
                Mat expected = Grayscale.grayscale(posterized)) {
            assertThat(Images.toBytes(both)).isEqualTo(Images.toBytes(expected));
        }
    }

    @Test
    void eachPrintsItselfAsTorchvisionsLine() {
        assertThat(Presets.fiveColour())
                .map(Object::toString)
                .containsExactly(
                        "Grayscale(num_output_channels=3)",
                        "ColorJitter(brightness=0.5, hue=0.3)",
                        "GaussianBlur(kernel_size=(5, 9), sigma=(0.1, 5.0))",
                        "RandomPosterize(bits=2, p=0.5)",
                        "RandomEqualize(p=0.5)");
    }

    @Test
    void nonsenseIsRefusedWhenMade() {
        refused(() -> new Grayscale(1), "outputChannels must be 3 (an image keeps its type), but was 1");
        refused(() -> new RandomPosterize(9), "bits must be in [0, 8], but was 9");
        refused(() -> new RandomEqualize(1.5), "p must be in [0, 1], but was 1.5");
        refused(() -> new GaussianBlur(4, 9, 1, 2), "kernelWidth must be odd and positive, but was 4");
        refused(() -> new GaussianBlur(5, 9, 0, 2), "sigma must be positive, but was (0.0, 2.0)");
        refused(() -> new GaussianBlur(5, 9, 2, 1), "range must have finite min <= max, but was (2.0, 1.0)");
        refused(() -> ColorJitter.none().withHue(0.6), "hue must be in [-0.5, 0.5] turns, but was (-0.6, 0.6)");
        refused(() -> ColorJitter.none().withBrightness(-1), "brightness must not be negative, but was -1.0");
        refused(() -> ColorJitter.none().withContrast(Double.NaN), "contrast must not be negative, but was NaN");
    }

    private static void refused(Supplier<Transform> maker, String sentence) {
        assertThatThrownBy(maker::get)
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(sentence);
    }

    @Test
    void equalizeKeepsTheOrderOfValues() {
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
