package org.facerecognition.losses;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.facerecognition.losses.MarginCases.ANGLES;
import static org.facerecognition.losses.MarginCases.COSINES;
import static org.facerecognition.losses.MarginCases.NORMS;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.DoubleUnaryOperator;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.facerecognition.losses.MarginCases.Case;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Every margin against the second implementation of its formula in {@link MarginCases}. */
class MarginFormulasTest {
    private static final String CASES = "org.facerecognition.losses.MarginCases#all";

    /** Numbers from a calculator: cos(acos(0.5) + 0.5) and so on. */
    @ParameterizedTest
    @CsvSource({
        "arcface, 0.5, 0.5, 0.0235965853",
        "arcface, 0.5, -0.99, -1.0635619688",
        "cosface, 0.35, 0.5, 0.15",
        "sphereface, 1.35, 0.5, 0.1564344650",
        "sphereface, 4, 0.5, -1.5",
        "combined, 0.3, 0.5, 0.0217402383",
        "circle, 0.25, 0.5, -0.1875"
    })
    void appliesTheMarginToOneCosine(String name, double m, double cosine, double expected) {
        try (PointerScope scope = new PointerScope()) {
            Margin margin = LossName.of(name).margin(500, LossSettings.DEFAULTS.with(null, m));
            assertThat(Tensors.values(margin.apply(Targets.of(Tensors.doubles(cosine))))[0])
                    .isCloseTo(expected, within(1e-9));
        }
    }

    @Nested
    class OfTargets {
        @ParameterizedTest
        @MethodSource(CASES)
        void valuesFollowTheFormula(Case one) {
            try (PointerScope scope = new PointerScope()) {
                Targets targets =
                        new Targets(Tensors.doubles(COSINES), Tensors.doubles(NORMS), false, MarginCases.state());
                double[] actual = Tensors.values(one.margin().apply(targets));
                for (int i = 0; i < ANGLES.length; i++) {
                    assertThat(actual[i]).isCloseTo(one.target().at(ANGLES[i], NORMS[i]), within(1e-12));
                }
            }
        }

        @ParameterizedTest
        @MethodSource("org.facerecognition.losses.MarginFormulasTest#withTrueGradient")
        void gradientsAreThoseOfFiniteDifferences(Case one) {
            double[] gradient = targetGradient(one.margin());
            for (int i = 0; i < ANGLES.length; i++) {
                double norm = NORMS[i];
                assertGradient(gradient[i], slope(c -> one.target().at(Math.acos(c), norm), ANGLES[i]), i);
            }
        }

        @Test
        void theStraightThroughGradientIsOne() {
            double[] gradient = targetGradient(new ArcFaceMargin(64, 0.5, ArcFaceMargin.Gradient.STRAIGHT_THROUGH));
            for (int i = 0; i < ANGLES.length; i++) {
                assertGradient(gradient[i], 1, i);
            }
        }

        @Test
        void theGradientOfCircleIsItsWeight() {
            double[] gradient = targetGradient(new CircleMargin(256, 0.25));
            for (int i = 0; i < ANGLES.length; i++) {
                assertGradient(gradient[i], Math.max(0, 1.25 - COSINES[i]), i);
            }
        }

        @ParameterizedTest
        @MethodSource("org.facerecognition.losses.MarginFormulasTest#monotonic")
        void valuesFallWithTheAngleWithoutAJump(Case one) {
            double[] fine = IntStream.rangeClosed(0, 18_000)
                    .mapToDouble(i -> Math.cos(Math.toRadians(i / 100.0)))
                    .toArray();
            try (PointerScope scope = new PointerScope()) {
                for (double norm : new double[] {1, 40, 100}) {
                    Tensor cosines = Tensors.doubles(fine);
                    Tensor norms = torch.full_like(cosines, new Scalar(norm));
                    Targets targets = new Targets(cosines, norms, false, MarginCases.state());
                    double[] values = Tensors.values(one.margin().apply(targets));
                    for (int i = 1; i < values.length; i++) {
                        assertThat(values[i])
                                .isLessThanOrEqualTo(values[i - 1] + 2e-6); // what the clamp at the poles costs
                        assertThat(values[i - 1] - values[i]).as("no jump").isLessThan(1e-3);
                    }
                }
            }
        }
    }

    @Nested
    class OfNegatives {
        private final double[] targetsWithMargin = {-0.4, 0.2};

        @ParameterizedTest
        @MethodSource(CASES)
        void valuesFollowTheFormula(Case one) {
            try (PointerScope scope = new PointerScope()) {
                double[] values = Tensors.values(negatives(one.margin(), cosines()));
                boolean changed = false;
                for (int i = 0; i < values.length; i++) {
                    double theta = ANGLES[i % ANGLES.length];
                    double expected = one.negative().at(theta, targetsWithMargin[i / ANGLES.length]);
                    assertThat(values[i]).isCloseTo(expected, within(1e-12));
                    changed |= Math.abs(values[i] - Math.cos(theta)) > 1e-9;
                }
                assertThat(one.margin().changesNegatives()).isEqualTo(changed);
            }
        }

        @ParameterizedTest
        @MethodSource("org.facerecognition.losses.MarginFormulasTest#withTrueGradient")
        void gradientsAreThoseOfFiniteDifferences(Case one) {
            try (PointerScope scope = new PointerScope()) {
                Tensor cosines = cosines();
                negatives(one.margin(), cosines).sum().backward();
                double[] gradient = Tensors.values(cosines.grad());
                for (int i = 0; i < gradient.length; i++) {
                    double theta = ANGLES[i % ANGLES.length];
                    double target = targetsWithMargin[i / ANGLES.length];
                    boolean kink = Math.abs(Math.cos(theta) - target) < 1e-3;
                    if (!kink) {
                        double expected = slope(c -> one.negative().at(Math.acos(c), target), theta);
                        assertThat(gradient[i]).isCloseTo(expected, within(1e-5));
                    }
                }
            }
        }

        /** [2, 360], with gradient. */
        private Tensor cosines() {
            Tensor cosines = Tensors.rows(new double[][] {COSINES, COSINES}).detach();
            cosines.set_requires_grad(true);
            return cosines;
        }

        private Tensor negatives(Margin margin, Tensor cosines) {
            Targets targets =
                    new Targets(Tensors.doubles(0.1, 0.6), Tensors.doubles(20, 30), true, MarginCases.state());
            return margin.negatives(cosines, Tensors.doubles(targetsWithMargin), targets);
        }
    }

    @Nested
    class AtThePoles {
        @ParameterizedTest
        @MethodSource(CASES)
        void valuesAndGradientsAreFiniteInFloat32(Case one) {
            float beyond = Math.nextUp(1f);
            float[] poles = {1, beyond, -1, -beyond, 0, Math.nextDown(1f), -Math.nextDown(1f), 1.0001f, -1.0001f};
            try (PointerScope scope = new PointerScope()) {
                for (double norm : new double[] {0, 15, 1e6}) {
                    Tensor cosine = Tensors.floats(poles);
                    cosine.set_requires_grad(true);
                    Tensor norms = torch.full_like(cosine.detach(), new Scalar(norm));
                    norms.set_requires_grad(true);
                    Targets targets = new Targets(cosine, norms, false, float32State());
                    Tensor targetWithMargin = one.margin().apply(targets);
                    Tensor negatives = one.margin().negatives(cosine.unsqueeze(1), targetWithMargin, targets);
                    Tensor penalty = one.margin().penalty(targets);
                    Tensor sum = targetWithMargin.sum().add(negatives.sum());
                    (penalty == null ? sum : sum.add(penalty)).backward();

                    assertFiniteFloat32(targetWithMargin);
                    assertFiniteFloat32(negatives);
                    assertThat(Tensors.boxed(Tensors.values(cosine.grad())))
                            .allMatch(g -> Double.isFinite(g) && Math.abs(g) < 10_000);
                }
            }
        }

        private static void assertFiniteFloat32(Tensor tensor) {
            assertThat(tensor.dtype().toScalarType().value).isEqualTo(ScalarType.Float.value);
            assertThat(Tensors.boxed(Tensors.values(tensor))).allMatch(Double::isFinite);
        }

        private static Map<String, Tensor> float32State() {
            Map<String, Tensor> state = new LinkedHashMap<>();
            MarginCases.state().forEach((name, value) -> state.put(name, value.to(ScalarType.Float)));
            return state;
        }
    }

    @Nested
    class OfMagFace {
        private final double[] norms = {5, 10.5, 30, 77, 109, 140};
        private final double[] cosines = {0.9, 0.1, -0.3, 0.5, -0.95, 0.2};

        @Test
        void thePenaltyIsTheMeanReward() {
            try (PointerScope scope = new PointerScope()) {
                Targets targets = new Targets(Tensors.doubles(cosines), Tensors.doubles(norms), true, Map.of());
                double sum = IntStream.range(0, norms.length)
                        .mapToDouble(i -> reward(norms[i]))
                        .sum();
                assertThat(new MagFaceMargin(64).penalty(targets).item_double())
                        .isCloseTo(35 * sum / norms.length, within(1e-12));
            }
        }

        @Test
        void marginAndPenaltyPassTheirGradientToTheNorm() {
            double h = 1e-6;
            MagFaceMargin margin = new MagFaceMargin(64);
            try (PointerScope scope = new PointerScope()) {
                Tensor leaf = leaf(norms);
                Targets targets = new Targets(Tensors.doubles(cosines), leaf, true, Map.of());
                margin.apply(targets).sum().add(margin.penalty(targets)).backward();
                double[] gradient = Tensors.values(leaf.grad());
                for (int i = 0; i < norms.length; i++) {
                    double slope = (loss(i, norms[i] + h) - loss(i, norms[i] - h)) / (2 * h);
                    assertThat(gradient[i]).isCloseTo(slope, within(1e-7));
                }
                assertThat(gradient[0]).as("no gradient below l_a").isZero();
                assertThat(gradient[2]).isNotZero();
            }
        }

        private double loss(int sample, double norm) {
            return MarginCases.magFace(Math.acos(cosines[sample]), norm) + 35 * reward(norm) / norms.length;
        }

        private static double reward(double norm) {
            double a = Math.min(110, Math.max(10, norm));
            return 1 / a + a / (110 * 110);
        }
    }

    static List<Case> withTrueGradient() {
        return MarginCases.all().stream().filter(Case::trueGradient).toList();
    }

    /** Without circle, whose weighted cosine is a parabola: its gradient, not its value, says where to go. */
    static List<Case> monotonic() {
        return MarginCases.all().stream()
                .filter(one -> !(one.margin() instanceof CircleMargin))
                .toList();
    }

    private static double[] targetGradient(Margin margin) {
        try (PointerScope scope = new PointerScope()) {
            Tensor cosine = leaf(COSINES);
            margin.apply(new Targets(cosine, Tensors.doubles(NORMS), false, MarginCases.state()))
                    .sum()
                    .backward();
            return Tensors.values(cosine.grad());
        }
    }

    private static void assertGradient(double actual, double expected, int i) {
        assertThat(actual)
                .as("at %s degrees, norm %s", Math.toDegrees(ANGLES[i]), NORMS[i])
                .isCloseTo(expected, within(1e-4 * Math.max(1, Math.abs(expected))));
    }

    /** The derivative with respect to cos(theta). */
    private static double slope(DoubleUnaryOperator f, double theta) {
        double h = 1e-7;
        double c = Math.cos(theta);
        return (f.applyAsDouble(c + h) - f.applyAsDouble(c - h)) / (2 * h);
    }

    private static Tensor leaf(double... values) {
        Tensor tensor = Tensors.doubles(values);
        tensor.set_requires_grad(true);
        return tensor;
    }
}
