package org.facerecognition.losses;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ArcFaceMarginTest {
    /** The cosines of 0.25 to 179.75 degrees. */
    private static final double[] SWEEP = IntStream.range(0, 360)
            .mapToDouble(i -> Math.cos(Math.toRadians(i / 2.0 + 0.25)))
            .toArray();

    /** The definition, in terms of the angle itself. */
    private static double byAngle(double cosine, double m) {
        double moved = Math.acos(cosine) + m;
        return moved <= Math.PI ? Math.cos(moved) : -2 - Math.cos(moved);
    }

    @Test
    void aMarginOfZeroChangesNothing() {
        try (PointerScope scope = new PointerScope()) {
            assertThat(Tensors.values(new ArcFaceMargin(64, 0).apply(Targets.of(Tensors.doubles(SWEEP)))))
                    .isEqualTo(SWEEP);
        }
    }

    @ParameterizedTest
    @ValueSource(doubles = {0, 0.1, 0.5, 1.5, 3.1})
    void isTheCosineOfTheAnglePlusTheMargin(double m) {
        try (PointerScope scope = new PointerScope()) {
            double[] actual = Tensors.values(new ArcFaceMargin(64, m).apply(Targets.of(Tensors.doubles(SWEEP))));
            for (int i = 0; i < SWEEP.length; i++) {
                assertThat(actual[i]).isCloseTo(byAngle(SWEEP[i], m), within(1e-12));
            }
        }
    }

    @ParameterizedTest
    @ValueSource(doubles = {0, 0.1, 0.5, 1.5})
    void hasTheTrueGradient(double m) {
        double h = 1e-8;
        try (PointerScope scope = new PointerScope()) {
            double[] gradient = gradient(new ArcFaceMargin(64, m), Tensors.doubles(SWEEP));
            for (int i = 0; i < SWEEP.length; i++) {
                if (Math.abs(SWEEP[i]) < 1 - 2 * h && Math.abs(Math.acos(SWEEP[i]) + m - Math.PI) > 1e-3) {
                    double slope = (byAngle(SWEEP[i] + h, m) - byAngle(SWEEP[i] - h, m)) / (2 * h);
                    assertThat(gradient[i]).isCloseTo(slope, within(1e-3 * Math.max(1, Math.abs(slope))));
                }
            }
        }
    }

    @ParameterizedTest
    @ValueSource(doubles = {0.1, 0.5, 1.5})
    void fallsWithTheAngleWithoutAJump(double m) {
        double[] fine = IntStream.rangeClosed(0, 18_000)
                .mapToDouble(i -> Math.cos(Math.toRadians(i / 100.0)))
                .toArray();
        try (PointerScope scope = new PointerScope()) {
            double[] values = Tensors.values(new ArcFaceMargin(64, m).apply(Targets.of(Tensors.doubles(fine))));
            for (int i = 1; i < values.length; i++) {
                assertThat(values[i]).isLessThanOrEqualTo(values[i - 1] + 2e-8); // what the clamp at the poles costs
                assertThat(values[i - 1] - values[i]).isLessThan(5e-4);
            }
        }
    }

    @Test
    void isFiniteAtAndBeyondThePoles() {
        float beyond = Math.nextUp(1f);
        try (PointerScope scope = new PointerScope()) {
            Tensor poles = Tensors.floats(1, beyond, -1, -beyond, 0, Math.nextDown(1f), 1.0001f, -1.0001f);
            ArcFaceMargin margin = new ArcFaceMargin(64, 0.5);

            double[] values = Tensors.values(margin.apply(Targets.of(poles)));
            assertThat(Tensors.boxed(values)).allMatch(Double::isFinite);
            assertThat(values[0]).isCloseTo(Math.cos(0.5), within(5e-4));
            assertThat(values[2]).isCloseTo(-2 - Math.cos(Math.PI + 0.5), within(5e-4));
            assertThat(Tensors.boxed(gradient(margin, poles))).allMatch(g -> Double.isFinite(g) && Math.abs(g) < 4000);
        }
    }

    private static double[] gradient(ArcFaceMargin margin, Tensor cosine) {
        cosine.set_requires_grad(true);
        margin.apply(Targets.of(cosine)).sum().backward();
        return Tensors.values(cosine.grad());
    }

    @Test
    void rejectsValuesOutOfRange() {
        assertThatThrownBy(() -> new ArcFaceMargin(64, 28.6))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("m must be in [0, pi) radians, but was 28.6 (in degrees? then pass Math.toRadians(28.6))");
        for (double m : new double[] {-0.1, Math.PI, Double.NaN}) {
            assertThatThrownBy(() -> new ArcFaceMargin(64, m)).hasMessageStartingWith("m must be in [0, pi) radians");
        }
        for (double s : new double[] {0, -5, Double.NaN, Double.POSITIVE_INFINITY}) {
            assertThatThrownBy(() -> new ArcFaceMargin(s, 0.5))
                    .hasMessage("s must be positive and finite, but was " + s);
        }
        assertThat(Arrays.asList(0.0, 3.14)).allSatisfy(m -> new ArcFaceMargin(64, m));
    }
}
