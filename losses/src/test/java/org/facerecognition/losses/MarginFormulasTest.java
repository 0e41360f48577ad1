package org.facerecognition.losses;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Every margin against a second writing of its formula, by the angle itself and in double precision. */
class MarginFormulasTest {
    /** 0.25 to 179.75 degrees. */
    private static final double[] ANGLES = IntStream.range(0, 360)
            .mapToDouble(i -> Math.toRadians(i / 2.0 + 0.25))
            .toArray();

    private static final double[] NORMS =
            IntStream.range(0, 360).mapToDouble(i -> 0.5 + i * 0.4).toArray();

    private static final double MEAN = 40; // of norms, for AdaFace
    private static final double DEVIATION = 25;
    private static final double T = 0.3; // of CurricularFace
    private static final double SCALE = 7; // of AdaCos

    /** What the margin should make of an angle and a norm. */
    interface Formula {
        double at(double theta, double norm);
    }

    /**
     * @param target of the right identity's cosine
     * @param other of a wrong identity's, when the right one's is turned into the second number
     * @param trueGradient whether the gradient is that of the formula
     */
    record Case(String name, Margin margin, Formula target, Formula other, boolean trueGradient) {
        Case(String name, Margin margin, Formula target) {
            this(name, margin, target, (theta, targetWithMargin) -> Math.cos(theta), true);
        }

        @Override
        public String toString() {
            return name;
        }
    }

    /** cos for angles to pi, and then the same wave again and again, each 2 lower. */
    private static double falling(double angle) {
        double lower = 0;
        while (angle > Math.PI) {
            angle -= Math.PI;
            lower += 2;
        }
        return Math.cos(angle) - lower;
    }

    /** As above to 2 pi, by the mirror image. */
    private static double arc(double angle) {
        return angle < 0 ? 1 : angle <= Math.PI ? Math.cos(angle) : -2 - Math.cos(angle);
    }

    private static double adaFace(double theta, double norm, double m, double h) {
        double length = Math.min(100, Math.max(0.001, norm));
        double z = Math.max(-1, Math.min(1, h * (length - MEAN) / (DEVIATION + 0.001)));
        return arc(theta - m * z) - (m + m * z);
    }

    private static double magFace(double theta, double norm) {
        double a = Math.min(110, Math.max(10, norm));
        return arc(theta + 0.45 + (0.8 - 0.45) * (a - 10) / (110 - 10));
    }

    static List<Case> cases() {
        double scaled = SCALE / (Math.sqrt(2) * Math.log(499));
        return List.of(
                new Case("ArcFace", new ArcFaceMargin(64, 0.5), (t, n) -> arc(t + 0.5)),
                new Case(
                        "ArcFace straight through",
                        new ArcFaceMargin(64, 0.5, ArcFaceMargin.Gradient.STRAIGHT_THROUGH),
                        (t, n) -> arc(t + 0.5),
                        (t, targetWithMargin) -> Math.cos(t),
                        false),
                new Case("CosFace", new CosFaceMargin(64, 0.35), (t, n) -> Math.cos(t) - 0.35),
                new Case("SphereFace 1.35", new SphereFaceMargin(64, 1.35), (t, n) -> falling(1.35 * t)),
                new Case("SphereFace 4", new SphereFaceMargin(64, 4), (t, n) -> falling(4 * t)),
                new Case("combined", new CombinedMargin(64, 1, 0.3, 0.2), (t, n) -> arc(t + 0.3) - 0.2),
                new Case(
                        "combined with m1",
                        new CombinedMargin(64, 0.9, 0.4, 0.15),
                        (t, n) -> falling(0.9 * t + 0.4) - 0.15),
                new Case("AdaFace", new AdaFaceMargin(64, 0.4), (t, n) -> adaFace(t, n, 0.4, 0.333)),
                new Case("AdaFace, wide", new AdaFaceMargin(64, 0.9, 2, 0.01), (t, n) -> adaFace(t, n, 0.9, 2)),
                new Case("MagFace", new MagFaceMargin(64), MarginFormulasTest::magFace),
                new Case(
                        "CurricularFace",
                        new CurricularFaceMargin(64, 0.5),
                        (t, n) -> arc(t + 0.5),
                        (t, targetWithMargin) ->
                                Math.cos(t) > targetWithMargin ? Math.cos(t) * (T + Math.cos(t)) : Math.cos(t),
                        true),
                new Case("ElasticFace-Arc", new ElasticArcMargin(64, 0.5), (t, n) -> arc(t + 0.5)),
                new Case("ElasticFace-Cos", new ElasticCosMargin(64, 0.35), (t, n) -> Math.cos(t) - 0.35),
                new Case("AdaCos", new AdaCosMargin(500, false), (t, n) -> Math.cos(t)),
                new Case(
                        "AdaCos, dynamic",
                        new AdaCosMargin(500, true),
                        (t, n) -> Math.cos(t) * scaled,
                        (t, targetWithMargin) -> Math.cos(t) * scaled,
                        true),
                new Case("NormFace", new NormFaceMargin(16), (t, n) -> Math.cos(t)),
                new Case(
                        "circle",
                        new CircleMargin(256, 0.25),
                        (t, n) -> Math.max(0, 1.25 - Math.cos(t)) * (Math.cos(t) - 0.75),
                        (t, targetWithMargin) -> Math.max(0, Math.cos(t) + 0.25) * (Math.cos(t) - 0.25),
                        false));
    }

    private static Map<String, Tensor> state() {
        return Map.of("norm_mean", number(MEAN), "norm_std", number(DEVIATION), "t", number(T), "scale", number(SCALE));
    }

    private static Tensor number(double value) {
        return Tensors.doubles(value).squeeze().clone();
    }

    private static double[] cosines() {
        return IntStream.range(0, ANGLES.length)
                .mapToDouble(i -> Math.cos(ANGLES[i]))
                .toArray();
    }

    private static Tensor wanting(double... values) {
        Tensor tensor = Tensors.doubles(values);
        tensor.set_requires_grad(true);
        return tensor;
    }

    @ParameterizedTest
    @MethodSource("cases")
    void theTargetIsMovedAsTheFormulaSays(Case one) {
        try (PointerScope scope = new PointerScope()) {
            Targets targets = new Targets(Tensors.doubles(cosines()), Tensors.doubles(NORMS), false, state());
            double[] actual = Tensors.values(one.margin.apply(targets));
            for (int i = 0; i < ANGLES.length; i++) {
                assertThat(actual[i]).isCloseTo(one.target.at(ANGLES[i], NORMS[i]), within(1e-12));
            }
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void theOthersAreMovedAsTheFormulaSays(Case one) {
        double[] targetWithMargin = {-0.4, 0.2};
        try (PointerScope scope = new PointerScope()) {
            Tensor both = Tensors.rows(new double[][] {cosines(), cosines()}).detach();
            both.set_requires_grad(true);
            Targets targets = new Targets(Tensors.doubles(0.1, 0.6), Tensors.doubles(20, 30), true, state());
            Tensor moved = one.margin.negatives(both, Tensors.doubles(targetWithMargin), targets); // [2, 360]
            moved.sum().backward();
            double[] values = Tensors.values(moved);
            double[] gradient = Tensors.values(both.grad());
            boolean changed = false;
            for (int i = 0; i < values.length; i++) {
                double theta = ANGLES[i % ANGLES.length];
                double target = targetWithMargin[i / ANGLES.length];
                assertThat(values[i]).isCloseTo(one.other.at(theta, target), within(1e-12));
                changed |= Math.abs(values[i] - Math.cos(theta)) > 1e-9;
                boolean kink = Math.abs(Math.cos(theta) - target) < 1e-3;
                if (one.trueGradient && !kink) {
                    assertThat(gradient[i])
                            .isCloseTo(slope(c -> one.other.at(Math.acos(c), target), theta), within(1e-5));
                }
            }
            assertThat(one.margin.changesNegatives()).isEqualTo(changed);
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void theGradientIsThatOfFiniteDifferences(Case one) {
        try (PointerScope scope = new PointerScope()) {
            Tensor cosine = wanting(cosines());
            one.margin
                    .apply(new Targets(cosine, Tensors.doubles(NORMS), false, state()))
                    .sum()
                    .backward();
            double[] gradient = Tensors.values(cosine.grad());
            for (int i = 0; i < ANGLES.length; i++) {
                double norm = NORMS[i];
                double theta = ANGLES[i];
                double expected = one.trueGradient
                        ? slope(c -> one.target.at(Math.acos(c), norm), theta)
                        : one.margin instanceof CircleMargin ? Math.max(0, 1.25 - Math.cos(theta)) : 1;
                assertThat(gradient[i])
                        .as("at %s degrees, norm %s", Math.toDegrees(theta), norm)
                        .isCloseTo(expected, within(1e-4 * Math.max(1, Math.abs(expected))));
            }
        }
    }

    private static double slope(java.util.function.DoubleUnaryOperator f, double theta) {
        double h = 1e-7;
        double c = Math.cos(theta);
        return (f.applyAsDouble(c + h) - f.applyAsDouble(c - h)) / (2 * h);
    }

    @Test
    void magFacesMarginAndRewardPassTheirGradientToTheLength() {
        double h = 1e-6;
        MagFaceMargin margin = new MagFaceMargin(64);
        double[] lengths = {5, 10.5, 30, 77, 109, 140};
        try (PointerScope scope = new PointerScope()) {
            Tensor norms = wanting(lengths);
            Tensor cosine = Tensors.doubles(0.9, 0.1, -0.3, 0.5, -0.95, 0.2);
            Targets targets = new Targets(cosine, norms, true, Map.of());
            Tensor penalty = margin.penalty(targets);
            double sum = 0;
            for (double length : lengths) {
                sum += reward(length);
            }
            assertThat(penalty.item_double()).isCloseTo(35 * sum / lengths.length, within(1e-12));

            margin.apply(targets).sum().add(penalty).backward();
            double[] gradient = Tensors.values(norms.grad());
            double[] angles = IntStream.range(0, 6)
                    .mapToDouble(i -> Math.acos(Tensors.values(cosine)[i]))
                    .toArray();
            for (int i = 0; i < lengths.length; i++) {
                double up = magFace(angles[i], lengths[i] + h) + 35 * reward(lengths[i] + h) / lengths.length;
                double down = magFace(angles[i], lengths[i] - h) + 35 * reward(lengths[i] - h) / lengths.length;
                assertThat(gradient[i]).isCloseTo((up - down) / (2 * h), within(1e-7));
            }
            assertThat(gradient[0]).as("below l_a nothing pulls").isZero();
            assertThat(gradient[2]).isNotZero();
        }
    }

    private static double reward(double norm) {
        double a = Math.min(110, Math.max(10, norm));
        return 1 / a + a / (110 * 110);
    }

    @ParameterizedTest
    @MethodSource("cases")
    void valueAndGradientAreFiniteAtThePolesAndBeyond(Case one) {
        float beyond = Math.nextUp(1f);
        float[] poles = {1, beyond, -1, -beyond, 0, Math.nextDown(1f), -Math.nextDown(1f), 1.0001f, -1.0001f};
        try (PointerScope scope = new PointerScope()) {
            for (double norm : new double[] {0, 15, 1e6}) {
                Tensor cosine = Tensors.floats(poles);
                cosine.set_requires_grad(true);
                Tensor norms = torch.full_like(cosine.detach(), new org.bytedeco.pytorch.Scalar(norm));
                norms.set_requires_grad(true);
                Map<String, Tensor> state = new LinkedHashMap<>();
                state().forEach((name, value) -> state.put(name, value.to(ScalarType.Float)));
                Targets targets = new Targets(cosine, norms, false, state);
                Tensor targetWithMargin = one.margin.apply(targets);
                Tensor negatives = one.margin.negatives(cosine.unsqueeze(1), targetWithMargin, targets);
                assertThat(targetWithMargin.dtype().toScalarType().value).isEqualTo(ScalarType.Float.value);
                assertThat(negatives.dtype().toScalarType().value).isEqualTo(ScalarType.Float.value);
                Tensor penalty = one.margin.penalty(targets);
                Tensor sum = targetWithMargin.sum().add(negatives.sum());
                (penalty == null ? sum : sum.add(penalty)).backward();

                assertThat(Tensors.boxed(Tensors.values(targetWithMargin))).allMatch(Double::isFinite);
                assertThat(Tensors.boxed(Tensors.values(negatives))).allMatch(Double::isFinite);
                assertThat(Tensors.boxed(Tensors.values(cosine.grad())))
                        .allMatch(g -> Double.isFinite(g) && Math.abs(g) < 10_000);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void theTargetFallsSteadilyWithTheAngle(Case one) {
        double[] fine = IntStream.rangeClosed(0, 18_000)
                .mapToDouble(i -> Math.cos(Math.toRadians(i / 100.0)))
                .toArray();
        if (one.margin instanceof CircleMargin) {
            return; // its weighted cosine is a parabola: the gradient, not the value, says where to go
        }
        try (PointerScope scope = new PointerScope()) {
            for (double norm : new double[] {1, 40, 100}) {
                Tensor cosines = Tensors.doubles(fine);
                Tensor norms = torch.full_like(cosines, new org.bytedeco.pytorch.Scalar(norm));
                double[] values = Tensors.values(one.margin.apply(new Targets(cosines, norms, false, state())));
                for (int i = 1; i < values.length; i++) {
                    assertThat(values[i])
                            .isLessThanOrEqualTo(values[i - 1] + 2e-6); // the clamp at the poles costs that
                    assertThat(values[i - 1] - values[i]).as("no jump").isLessThan(1e-3);
                }
            }
        }
    }

    /** Numbers from a calculator: cos(acos(.5) + .5) and so on. */
    @ParameterizedTest
    @CsvSource({
        "arcface, .5, .5, 0.0235965853",
        "arcface, .5, -.99, -1.0635619688",
        "cosface, .35, .5, .15",
        "sphereface, 1.35, .5, 0.1564344650",
        "sphereface, 4, .5, -1.5",
        "combined, .3, .5, 0.0217402383",
        "circle, .25, .5, -.1875"
    })
    void ofFixedInput(String name, double m, double cosine, double expected) {
        try (PointerScope scope = new PointerScope()) {
            Margin margin = LossName.of(name).margin(500, LossSettings.DEFAULTS.with(null, m));
            assertThat(Tensors.values(margin.apply(Targets.of(Tensors.doubles(cosine))))[0])
                    .isCloseTo(expected, within(1e-9));
        }
    }

    // ---- what is learned on the way ----

    private static final UnaryOperator<Tensor> UNUSED = scale -> {
        throw new AssertionError("costs a pass over the cosines, and is not needed");
    };

    private static void observe(Margin margin, Targets targets, UnaryOperator<Tensor> othersLogSum) {
        try (NoGradGuard noGrad = new NoGradGuard()) {
            margin.observe(targets, othersLogSum);
        }
    }

    @Test
    void adaFaceKeepsMovingAveragesOfTheNormsMeanAndDeviation() {
        try (PointerScope scope = new PointerScope()) {
            Map<String, Tensor> state = state();
            AdaFaceMargin margin = new AdaFaceMargin(64, 0.4, 0.333, 0.25);
            Tensor cosines = Tensors.doubles(0.1, 0.2, 0.3);
            observe(margin, new Targets(cosines, Tensors.doubles(10, 20, 300), true, state), UNUSED);

            double mean = (10 + 20 + 100) / 3.0; // clipped at 100
            double squares = Math.pow(10 - mean, 2) + Math.pow(20 - mean, 2) + Math.pow(100 - mean, 2);
            assertThat(state.get("norm_mean").item_double()).isCloseTo(0.75 * MEAN + 0.25 * mean, within(1e-12));
            assertThat(state.get("norm_std").item_double())
                    .isCloseTo(0.75 * DEVIATION + 0.25 * Math.sqrt(squares / 2), within(1e-12));

            double before = state.get("norm_std").item_double();
            observe(margin, new Targets(Tensors.doubles(0.1), Tensors.doubles(7), true, state), UNUSED);
            assertThat(state.get("norm_std").item_double())
                    .as("one sample has no deviation")
                    .isEqualTo(before);
        }
    }

    @Test
    void curricularFaceKeepsAMovingAverageOfTheTargetsCosine() {
        try (PointerScope scope = new PointerScope()) {
            Map<String, Tensor> state = state();
            Targets targets = new Targets(Tensors.doubles(0.2, 0.6), Tensors.doubles(1, 1), true, state);
            observe(new CurricularFaceMargin(64, 0.5), targets, UNUSED);
            assertThat(state.get("t").item_double()).isCloseTo(0.99 * T + 0.01 * 0.4, within(1e-12));
        }
    }

    @Test
    void adaCosScaleFollowsFromTheOthersAndTheMedianAngle() {
        double[][] negatives = {{0.1, -0.2, 0.4}, {0.3, 0.0, -0.1}, {0.5, 0.2, 0.1}};
        double[] target = {0.9, 0.95, 0.2};
        try (PointerScope scope = new PointerScope()) {
            Map<String, Tensor> state = state();
            Targets targets = new Targets(Tensors.doubles(target), Tensors.doubles(1, 1, 1), true, state);
            observe(
                    new AdaCosMargin(4, true),
                    targets,
                    scale -> Tensors.rows(negatives).mul(scale).logsumexp(1));

            double sum = 0;
            for (double[] row : negatives) {
                for (double cosine : row) {
                    sum += Math.exp(SCALE * cosine);
                }
            }
            double median = Math.min(Math.PI / 4, Math.acos(0.9));
            assertThat(state.get("scale").item_double()).isCloseTo(Math.log(sum / 3) / Math.cos(median), within(1e-9));

            Targets far = new Targets(Tensors.doubles(target), Tensors.doubles(1, 1, 1), true, state());
            observe(new AdaCosMargin(4, true), far, scale -> Tensors.doubles(-9, -9, -9));
            assertThat(far.state().get("scale").item_double()).isEqualTo(1);
        }
    }

    @Test
    void elasticMarginsAreDrawnFromTheNormalDistributionInTrainingAlone() {
        int samples = 20_000;
        try (PointerScope scope = new PointerScope()) {
            torch.manual_seed(5);
            Tensor cosine = torch.zeros(samples); // a right angle
            Targets training = new Targets(cosine, torch.ones(samples), true, Map.of());
            double[] cos = Tensors.values(new ElasticCosMargin(64, 0.35, 0.05).apply(training));
            double[] arc = Tensors.values(new ElasticArcMargin(64, 0.5, 0.05).apply(training));
            assertThat(mean(cos)).isCloseTo(-0.35, within(2e-3));
            assertThat(std(cos)).isCloseTo(0.05, within(1e-3));
            double[] drawn = IntStream.range(0, samples)
                    .mapToDouble(i -> Math.acos(arc[i]) - Math.PI / 2)
                    .toArray();
            assertThat(mean(drawn)).isCloseTo(0.5, within(2e-3));
            assertThat(std(drawn)).isCloseTo(0.05, within(1e-3));

            torch.manual_seed(5);
            assertThat(Tensors.values(new ElasticCosMargin(64, 0.35, 0.05).apply(training)))
                    .isEqualTo(cos);
        }
    }

    private static double mean(double[] values) {
        return IntStream.range(0, values.length)
                .mapToDouble(i -> values[i])
                .average()
                .orElseThrow();
    }

    private static double std(double[] values) {
        double mean = mean(values);
        return Math.sqrt(IntStream.range(0, values.length)
                .mapToDouble(i -> Math.pow(values[i] - mean, 2))
                .average()
                .orElseThrow());
    }

    // ---- the scale's bound ----

    @Test
    void theBoundOfTheScaleIsThePapers() {
        assertThat(ScaleBound.lowest(500, 0.9)).isCloseTo(8.39, within(0.005));
        assertThat(ScaleBound.lowest(500, 0.99)).isCloseTo(10.79, within(0.005));
        for (int classes : new int[] {2, 10, 500, 10_572}) {
            assertThat(ScaleBound.highestProbability(classes, ScaleBound.lowest(classes, 0.9)))
                    .isCloseTo(0.9, within(1e-9));
        }
        assertThat(ScaleBound.highestProbability(1, 5)).isEqualTo(1);
        assertThatThrownBy(() -> ScaleBound.lowest(1, 0.9)).hasMessage("classes must be at least 2, but was 1");
        assertThatThrownBy(() -> ScaleBound.lowest(5, 1)).hasMessage("probability must be in (0, 1), but was 1.0");
    }

    @Test
    void nonsenseIsRefusedInASentence() {
        assertThatThrownBy(() -> new CosFaceMargin(64, 2.5)).hasMessage("m must be in [0, 2], but was 2.5");
        assertThatThrownBy(() -> new SphereFaceMargin(64, 0.5))
                .hasMessage("m must be at least 1 and finite, but was 0.5");
        assertThatThrownBy(() -> new CombinedMargin(64, 0, 0.3, 0.2))
                .hasMessage("m1 must be positive and finite, but was 0.0");
        assertThatThrownBy(() -> new CombinedMargin(64, 1, 17, 0.2))
                .hasMessage("m2 must be in [0, pi) radians, but was 17.0 (in degrees? then pass"
                        + " Math.toRadians(17.0))");
        assertThatThrownBy(() -> new AdaFaceMargin(64, 0.4, 0.333, 2))
                .hasMessage("tAlpha must be in [0, 1], but was 2.0");
        assertThatThrownBy(() -> new MagFaceMargin(64, 10, 5, 0.4, 0.8, 35))
                .hasMessage("longest must be above shortest, 10.0, but was 5.0");
        assertThatThrownBy(() -> new MagFaceMargin(64, 10, 110, 0.8, 0.4, 35))
                .hasMessage("greatestMargin must be at least leastMargin, 0.8, but was 0.4");
        assertThatThrownBy(() -> new ElasticArcMargin(64, 0.5, 3)).hasMessage("sigma must be in [0, 0.5], but was 3.0");
        assertThatThrownBy(() -> new AdaCosMargin(3, true))
                .hasMessage("classes must be at least 4 for AdaCos, but was 3");
        assertThatThrownBy(() -> new CircleMargin(Double.NaN, 0.25))
                .hasMessage("s must be positive and finite, but was NaN");
        assertThatThrownBy(() -> new CrossEntropy(1, 0)).hasMessage("labelSmoothing must be in [0, 1), but was 1.0");
        assertThatThrownBy(() -> new CrossEntropy(0, -1))
                .hasMessage("focalGamma must be at least 0 and finite, but was -1.0");
        assertThatThrownBy(() -> new Contrastive(0)).hasMessage("margin must be positive and finite, but was 0.0");
    }
}
