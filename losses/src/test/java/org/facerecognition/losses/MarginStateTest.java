package org.facerecognition.losses;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.facerecognition.losses.MarginCases.NORM_MEAN;
import static org.facerecognition.losses.MarginCases.NORM_STD;
import static org.facerecognition.losses.MarginCases.SCALE;
import static org.facerecognition.losses.MarginCases.T;

import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.Test;

/** What margins learn or draw in training: moving averages, the scale of AdaCos, random margins. */
class MarginStateTest {
    private static final UnaryOperator<Tensor> UNUSED = scale -> {
        throw new AssertionError("costs a pass over the cosines, and is not needed");
    };

    private static void observe(Margin margin, Targets targets, UnaryOperator<Tensor> negativesLogSumExp) {
        try (NoGradGuard noGrad = new NoGradGuard()) {
            margin.observe(targets, negativesLogSumExp);
        }
    }

    @Test
    void curricularFaceAveragesTheTargetCosine() {
        try (PointerScope scope = new PointerScope()) {
            Map<String, Tensor> state = MarginCases.state();
            Targets targets = new Targets(Tensors.doubles(0.2, 0.6), Tensors.doubles(1, 1), true, state);
            observe(new CurricularFaceMargin(64, 0.5), targets, UNUSED);
            assertThat(state.get("t").item_double()).isCloseTo(0.99 * T + 0.01 * 0.4, within(1e-12));
        }
    }

    @Test
    void adaFaceAveragesMeanAndStdOfTheClippedNorms() {
        try (PointerScope scope = new PointerScope()) {
            Map<String, Tensor> state = MarginCases.state();
            AdaFaceMargin margin = new AdaFaceMargin(64, 0.4, 0.333, 0.25);
            Tensor cosines = Tensors.doubles(0.1, 0.2, 0.3);
            observe(margin, new Targets(cosines, Tensors.doubles(10, 20, 300), true, state), UNUSED);

            double mean = (10 + 20 + 100) / 3.0; // 300 is clipped to 100
            double squares = Math.pow(10 - mean, 2) + Math.pow(20 - mean, 2) + Math.pow(100 - mean, 2);
            assertThat(state.get("norm_mean").item_double()).isCloseTo(0.75 * NORM_MEAN + 0.25 * mean, within(1e-12));
            assertThat(state.get("norm_std").item_double())
                    .isCloseTo(0.75 * NORM_STD + 0.25 * Math.sqrt(squares / 2), within(1e-12));
        }
    }

    @Test
    void adaFaceKeepsTheStdInABatchOfOne() {
        try (PointerScope scope = new PointerScope()) {
            Map<String, Tensor> state = MarginCases.state();
            Targets targets = new Targets(Tensors.doubles(0.1), Tensors.doubles(7), true, state);
            observe(new AdaFaceMargin(64, 0.4, 0.333, 0.25), targets, UNUSED);
            assertThat(state.get("norm_std").item_double()).isEqualTo(NORM_STD);
            assertThat(state.get("norm_mean").item_double()).isLessThan(NORM_MEAN);
        }
    }

    @Test
    void adaCosScaleFollowsFromTheNegativesAndTheMedianAngle() {
        double[][] negatives = {{0.1, -0.2, 0.4}, {0.3, 0.0, -0.1}, {0.5, 0.2, 0.1}};
        try (PointerScope scope = new PointerScope()) {
            Map<String, Tensor> state = MarginCases.state();
            Targets targets = new Targets(Tensors.doubles(0.9, 0.95, 0.2), Tensors.doubles(1, 1, 1), true, state);
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
        }
    }

    @Test
    void adaCosScaleIsAtLeastOne() {
        try (PointerScope scope = new PointerScope()) {
            Targets targets =
                    new Targets(Tensors.doubles(0.9, 0.95, 0.2), Tensors.doubles(1, 1, 1), true, MarginCases.state());
            observe(new AdaCosMargin(4, true), targets, scale -> Tensors.doubles(-9, -9, -9));
            assertThat(targets.state().get("scale").item_double()).isEqualTo(1);
        }
    }

    @Test
    void elasticMarginsAreNormallyDistributedInTraining() {
        int samples = 20_000;
        try (PointerScope scope = new PointerScope()) {
            torch.manual_seed(5);
            Tensor cosine = torch.zeros(samples); // a right angle
            Targets training = new Targets(cosine, torch.ones(samples), true, Map.of());
            double[] cos = Tensors.values(new ElasticCosMargin(64, 0.35, 0.05).apply(training));
            double[] arc = Tensors.values(new ElasticArcMargin(64, 0.5, 0.05).apply(training));
            assertThat(mean(cos)).isCloseTo(-0.35, within(2e-3));
            assertThat(std(cos)).isCloseTo(0.05, within(1e-3));
            double[] margins = IntStream.range(0, samples)
                    .mapToDouble(i -> Math.acos(arc[i]) - Math.PI / 2)
                    .toArray();
            assertThat(mean(margins)).isCloseTo(0.5, within(2e-3));
            assertThat(std(margins)).isCloseTo(0.05, within(1e-3));
        }
    }

    @Test
    void equalSeedsGiveEqualElasticMargins() {
        try (PointerScope scope = new PointerScope()) {
            Targets training = new Targets(torch.zeros(100), torch.ones(100), true, Map.of());
            ElasticCosMargin margin = new ElasticCosMargin(64, 0.35, 0.05);
            torch.manual_seed(5);
            double[] first = Tensors.values(margin.apply(training));
            double[] second = Tensors.values(margin.apply(training));
            torch.manual_seed(5);
            assertThat(Tensors.values(margin.apply(training))).isEqualTo(first).isNotEqualTo(second);
        }
    }

    private static double mean(double[] values) {
        return DoubleStream.of(values).average().orElseThrow();
    }

    private static double std(double[] values) {
        double mean = mean(values);
        return Math.sqrt(DoubleStream.of(values)
                .map(value -> Math.pow(value - mean, 2))
                .average()
                .orElseThrow());
    }
}
