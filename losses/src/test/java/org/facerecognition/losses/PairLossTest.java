package org.facerecognition.losses;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.function.Function;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Losses of pairs against loops over plain numbers, and the heads that keep means of embeddings. */
class PairLossTest {
    private static final long[] LABELS = {0, 1, 0, 2, 1, 0, 3, 2};
    private static final int SIZE = 3;

    /**
     * A loss and a second implementation of it.
     *
     * @param expected the loss of the labels below, by loops over the cosines
     * @param trueGradient whether the gradient is that of the formula
     */
    record Case(String name, PairLoss loss, Function<double[][], Double> expected, boolean trueGradient) {
        @Override
        public String toString() {
            return name;
        }
    }

    static List<Case> cases() {
        return List.of(
                new Case("batch-hard", new BatchHardTriplet(0.2), c -> batchHard(c, 0.2), true),
                new Case("semi-hard", new SemiHardTriplet(0.9), c -> semiHard(c, 0.9), true),
                new Case("supervised contrastive", new SupervisedContrastive(10), c -> supCon(c, 10), true),
                new Case("contrastive", new Contrastive(1), c -> contrastive(c, 1), true),
                new Case("circle", new CirclePairs(8, 0.25), c -> circle(c, 8, 0.25), false));
    }

    private static double squared(double cosine) {
        return 2 - 2 * cosine;
    }

    private static double batchHard(double[][] c, double margin) {
        double sum = 0;
        int anchors = 0;
        for (int a = 0; a < c.length; a++) {
            double farthest = -1;
            double nearest = 9;
            for (int b = 0; b < c.length; b++) {
                if (b != a && LABELS[b] == LABELS[a]) {
                    farthest = Math.max(farthest, squared(c[a][b]));
                } else if (LABELS[b] != LABELS[a]) {
                    nearest = Math.min(nearest, squared(c[a][b]));
                }
            }
            if (farthest >= 0) {
                anchors++;
                sum += Math.max(0, farthest - nearest + margin);
            }
        }
        return sum / anchors;
    }

    private static double semiHard(double[][] c, double margin) {
        double sum = 0;
        int triplets = 0;
        for (int a = 0; a < c.length; a++) {
            for (int p = 0; p < c.length; p++) {
                if (p == a || LABELS[p] != LABELS[a]) {
                    continue;
                }
                double best = Double.POSITIVE_INFINITY;
                for (int n = 0; n < c.length; n++) {
                    if (LABELS[n] != LABELS[a] && squared(c[a][n]) > squared(c[a][p])) {
                        best = Math.min(best, squared(c[a][n]));
                    }
                }
                double loss = squared(c[a][p]) - best + margin;
                if (loss > 0) {
                    triplets++;
                    sum += loss;
                }
            }
        }
        return sum / triplets;
    }

    private static double supCon(double[][] c, double s) {
        double sum = 0;
        int anchors = 0;
        for (int a = 0; a < c.length; a++) {
            double all = 0;
            double target = 0;
            int count = 0;
            for (int b = 0; b < c.length; b++) {
                all += b == a ? 0 : Math.exp(s * c[a][b]);
            }
            for (int p = 0; p < c.length; p++) {
                if (p != a && LABELS[p] == LABELS[a]) {
                    target -= Math.log(Math.exp(s * c[a][p]) / all);
                    count++;
                }
            }
            if (count > 0) {
                anchors++;
                sum += target / count;
            }
        }
        return sum / anchors;
    }

    private static double contrastive(double[][] c, double margin) {
        double near = 0;
        double far = 0;
        int same = 0;
        int pushed = 0;
        for (int a = 0; a < c.length; a++) {
            for (int b = 0; b < c.length; b++) {
                double distance = Math.sqrt(Math.max(0, squared(c[a][b])));
                if (LABELS[a] != LABELS[b]) {
                    pushed += distance < margin ? 1 : 0;
                    far += Math.pow(Math.max(0, margin - distance), 2) / 2;
                } else if (a != b) {
                    same++;
                    near += distance * distance / 2;
                }
            }
        }
        return near / same + far / Math.max(1, pushed);
    }

    private static double circle(double[][] c, double s, double m) {
        double sum = 0;
        int anchors = 0;
        for (int a = 0; a < c.length; a++) {
            double positives = 0;
            double negatives = 0;
            for (int b = 0; b < c.length; b++) {
                if (LABELS[a] != LABELS[b]) {
                    negatives += Math.exp(s * Math.max(0, c[a][b] + m) * (c[a][b] - m));
                } else if (a != b) {
                    positives += Math.exp(-s * Math.max(0, 1 + m - c[a][b]) * (c[a][b] - (1 - m)));
                }
            }
            if (positives > 0) {
                anchors++;
                sum += Math.log(1 + positives * negatives);
            }
        }
        return sum / anchors;
    }

    private static double[][] cosines(double[] x) {
        int n = x.length / SIZE;
        double[][] cosines = new double[n][n];
        for (int i = 0; i < n; i++) {
            for (int j = 0; j < n; j++) {
                double dot = 0;
                double ii = 0;
                double jj = 0;
                for (int k = 0; k < SIZE; k++) {
                    dot += x[i * SIZE + k] * x[j * SIZE + k];
                    ii += x[i * SIZE + k] * x[i * SIZE + k];
                    jj += x[j * SIZE + k] * x[j * SIZE + k];
                }
                cosines[i][j] = dot / Math.sqrt(ii * jj);
            }
        }
        return cosines;
    }

    private static Tensor loss(PairLoss loss, Tensor embeddings, long... labels) {
        return loss.of(Pairs.of(Norms.unit(embeddings), Tensors.labels(labels)));
    }

    @ParameterizedTest
    @MethodSource("cases")
    void valuesAreThoseOfLoops(Case one) {
        for (int seed = 0; seed < 4; seed++) {
            try (PointerScope scope = new PointerScope()) {
                double[] x = randomEmbeddings(seed);
                double expected = one.expected.apply(cosines(x));
                assertThat(expected).isPositive();
                assertThat(loss(one.loss, leaf(x), LABELS).item_double()).isCloseTo(expected, within(1e-10));
            }
        }
    }

    static List<Case> withTrueGradient() {
        return cases().stream().filter(Case::trueGradient).toList();
    }

    @ParameterizedTest
    @MethodSource("withTrueGradient")
    void gradientsAreThoseOfFiniteDifferences(Case one) {
        double h = 1e-6;
        for (int seed = 0; seed < 4; seed++) {
            try (PointerScope scope = new PointerScope()) {
                double[] x = randomEmbeddings(seed);
                Tensor embeddings = leaf(x);
                loss(one.loss, embeddings, LABELS).backward();
                double[] gradient = Tensors.values(embeddings.grad());
                for (int i = 0; i < x.length; i++) {
                    double[] up = x.clone();
                    double[] down = x.clone();
                    up[i] += h;
                    down[i] -= h;
                    double slope = (one.expected.apply(cosines(up)) - one.expected.apply(cosines(down))) / (2 * h);
                    assertThat(gradient[i]).isCloseTo(slope, within(1e-6));
                }
            }
        }
    }

    private static double[] randomEmbeddings(int seed) {
        torch.manual_seed(seed);
        return Tensors.values(torch.randn(LABELS.length, SIZE));
    }

    private static Tensor leaf(double[] x) {
        Tensor embeddings = Tensors.doubles(x).reshape(LABELS.length, SIZE).detach();
        embeddings.set_requires_grad(true);
        return embeddings;
    }

    /** The paper's gradient treats the weights as constants. */
    @Test
    void theWeightsOfCircleLossPassNoGradient() {
        double s = 8;
        double m = 0.25;
        long[] labels = {0, 0, 1};
        try (PointerScope scope = new PointerScope()) {
            Tensor cosines = Tensors.rows(new double[][] {{1, 0.6, 0.3}, {0.6, 1, -0.1}, {0.3, -0.1, 1}})
                    .detach();
            cosines.set_requires_grad(true);
            Pairs shape = Pairs.of(Norms.unit(torch.randn(3, 2)), Tensors.labels(labels));
            new CirclePairs(s, m)
                    .of(new Pairs(cosines, shape.same(), shape.different()))
                    .backward();

            double positive = -s * (1 + m - 0.6) * (0.6 - (1 - m));
            double negative = s * (0.3 + m) * (0.3 - m);
            double z = 1 / (1 + Math.exp(-(positive + negative))) / 2; // two samples have pairs of both kinds
            double[] gradient = Tensors.values(cosines.grad());
            assertThat(gradient[1]).isCloseTo(-z * s * (1 + m - 0.6), within(1e-12));
            assertThat(gradient[2]).isCloseTo(z * s * (0.3 + m), within(1e-12));
            assertThat(gradient[0]).isZero();
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void aBatchWithoutPairsGivesAFiniteLossAndGradient(Case one) {
        try (PointerScope scope = new PointerScope()) {
            for (long[] labels : new long[][] {{4}, {0, 1, 2}}) {
                Tensor embeddings = torch.randn(labels.length, SIZE);
                embeddings.set_requires_grad(true);
                Tensor loss = loss(one.loss, embeddings, labels);
                loss.backward();
                assertThat(loss.item_double()).isFinite().isNotNegative();
                assertThat(Tensors.boxed(Tensors.values(embeddings.grad()))).allMatch(Double::isFinite);
            }
        }
    }

    /** Without the contrastive loss, which needs negative pairs only. */
    static List<Case> needingPositives() {
        return cases().stream()
                .filter(one -> !(one.loss instanceof Contrastive))
                .toList();
    }

    @ParameterizedTest
    @MethodSource("needingPositives")
    void aBatchWithoutPositivePairsGivesALossOfZero(Case one) {
        try (PointerScope scope = new PointerScope()) {
            assertThat(loss(one.loss, torch.randn(1, SIZE), 4).item_double()).isZero();
            assertThat(loss(one.loss, torch.randn(3, SIZE), 0, 1, 2).item_double())
                    .isZero();
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void theGradientIsFiniteForEqualOppositeAndZeroEmbeddings(Case one) {
        try (PointerScope scope = new PointerScope()) {
            Tensor embeddings = Tensors.floats(1, 0, 0, 1, 0, 0, 2, 0, 0, -1, 0, 0, 0, 0, 0, 0, 0, 0)
                    .reshape(6, SIZE)
                    .detach();
            embeddings.set_requires_grad(true);
            Tensor loss = loss(one.loss, embeddings, 0, 0, 1, 1, 2, 2);
            loss.backward();
            assertThat(loss.item_double()).isFinite();
            assertThat(Tensors.boxed(Tensors.values(embeddings.grad()))).allMatch(Double::isFinite);
            Tensor all = loss(one.loss, embeddings, 3, 3, 3, 3, 3, 3);
            assertThat(all.item_double()).isFinite().isNotNegative();
        }
    }

    // ---- heads ----

    @Test
    void aMetricHeadScoresByMeanDirections() {
        try (PointerScope scope = new PointerScope()) {
            MetricHead head = new MetricHead(3, 2, new BatchHardTriplet(0.2));
            Tensor embeddings = Tensors.floats(2, 0, 0, 5, 0, 3).reshape(3, 2);
            Tensor labels = Tensors.labels(2, 0, 0);
            assertThat(Tensors.values(head.forward(embeddings, labels).scores()))
                    .as("nobody is recognized as an identity that was not seen yet")
                    .containsOnly(Double.NEGATIVE_INFINITY);
            double[] scores = Tensors.values(head.scores(embeddings));
            double unseen = Double.NEGATIVE_INFINITY;
            assertThat(scores).containsExactly(0, unseen, 1, 1, unseen, 0, 1, unseen, 0);

            head.forward(Tensors.floats(1, 0).reshape(1, 2), Tensors.labels(0)); // 0.9 of (0, 1), 0.1 of (1, 0)
            double[] centers = Tensors.values(head.named_buffers().get("centres"));
            double length = Math.hypot(0.1, 0.9);
            assertThat(centers[0]).isCloseTo(0.1 / length, within(1e-6));
            assertThat(centers[1]).isCloseTo(0.9 / length, within(1e-6));
            assertThat(head.parameters().size()).isZero();
        }
    }

    @Test
    void aMetricHeadKeepsItsMeansOutsideTraining() {
        try (PointerScope scope = new PointerScope()) {
            MetricHead head = new MetricHead(3, 2, new BatchHardTriplet(0.2));
            Tensor embeddings = Tensors.floats(2, 0, 0, 5, 0, 3).reshape(3, 2);
            head.forward(embeddings, Tensors.labels(2, 0, 0));
            double[] centers = Tensors.values(head.named_buffers().get("centres"));
            head.eval();
            head.forward(embeddings, Tensors.labels(1, 1, 1));
            assertThat(Tensors.values(head.named_buffers().get("centres"))).isEqualTo(centers);
        }
    }

    @Test
    void centerLossAddsDistancesAndUpdatesItsCentersByThePapersRule() {
        double[][] x = {{1, 2}, {3, -1}, {-1, 0.5}};
        long[] y = {1, 0, 1};
        try (PointerScope scope = new PointerScope()) {
            CenterLoss head = new CenterLoss(2, 2, 0.4, CrossEntropy.PLAIN);
            Tensor embeddings = Tensors.rows(x).to(torch.ScalarType.Float);
            double squares = 0;
            double[][] centers = new double[2][2];
            for (int step = 0; step < 2; step++) {
                Head.Output output = head.forward(embeddings, Tensors.labels(y));
                double crossEntropy =
                        torch.cross_entropy(output.scores(), Tensors.labels(y)).item_double();
                squares = 0;
                double[][] sums = new double[2][2];
                int[] counts = new int[2];
                for (int i = 0; i < x.length; i++) {
                    int label = (int) y[i];
                    counts[label]++;
                    for (int k = 0; k < 2; k++) {
                        double difference = x[i][k] - centers[label][k];
                        squares += difference * difference;
                        sums[label][k] += difference;
                    }
                }
                assertThat(output.loss().item_double()).isCloseTo(crossEntropy + 0.4 / 2 * squares / 3, within(1e-6));
                for (int j = 0; j < 2; j++) {
                    for (int k = 0; k < 2; k++) {
                        centers[j][k] += 0.5 * sums[j][k] / (1 + counts[j]);
                        assertThat(Tensors.values(head.named_buffers().get("centres"))[2 * j + k])
                                .isCloseTo(centers[j][k], within(1e-6));
                    }
                }
            }
        }
    }
}
