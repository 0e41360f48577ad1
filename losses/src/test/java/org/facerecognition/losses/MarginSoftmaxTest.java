package org.facerecognition.losses;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.List;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.DeviceType;
import org.facerecognition.natives.Autocast;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The head against loops over plain numbers, its sub-centers, its state, and the setting of its centers. */
class MarginSoftmaxTest {
    @Test
    void isTheCrossEntropyOfScaledCosinesWithTheMargin() {
        double s = 7;
        double m = 0.6;
        double[][] x = {{1, 2, -1}, {0.3, -4, 2}, {-1, -1, -1}};
        long[] y = {1, 0, 1};
        try (PointerScope scope = new PointerScope()) {
            torch.manual_seed(1);
            MarginSoftmax head = new MarginSoftmax(2, 3, new ArcFaceMargin(s, m));
            double[] w = Tensors.values(head.parameters().get(0));
            Head.Output output = head.forward(Tensors.rows(x).to(torch.ScalarType.Float), Tensors.labels(y));

            double sum = 0;
            double[] scores = Tensors.values(output.scores());
            for (int i = 0; i < x.length; i++) {
                double all = 0;
                double target = 0;
                for (int j = 0; j < 2; j++) {
                    double angle = angle(x[i], new double[] {w[3 * j], w[3 * j + 1], w[3 * j + 2]});
                    assertThat(scores[2 * i + j]).as("without margin").isCloseTo(s * Math.cos(angle), within(1e-5));
                    double withMargin = angle + m > Math.PI ? -2 - Math.cos(angle + m) : Math.cos(angle + m);
                    double logit = s * (j == y[i] ? withMargin : Math.cos(angle));
                    all += Math.exp(logit);
                    target = j == y[i] ? logit : target;
                }
                sum += Math.log(all) - target;
            }
            assertThat(output.loss().item_double()).isCloseTo(sum / x.length, within(1e-5));
        }
    }

    private static double angle(double[] a, double[] b) {
        double dot = 0;
        double aa = 0;
        double bb = 0;
        for (int i = 0; i < a.length; i++) {
            dot += a[i] * b[i];
            aa += a[i] * a[i];
            bb += b[i] * b[i];
        }
        return Math.acos(dot / Math.sqrt(aa * bb));
    }

    /**
     * Random embeddings and centers are nearly at right angles, with cosines of variance 1/d. The expected loss is the
     * logarithm of the sum over the negatives and the target with margin, plus what the margin takes from the target: s
     * sin m with ArcFace, s m with CosFace.
     */
    @ParameterizedTest
    @CsvSource({
        "arcface, 10, 5, 0.1", "arcface, 500, 5, 0.1", "arcface, 500, 30, 0.5", "arcface, 10572, 64, 0.5",
        "arcface, 10572, 5, 0.1", "cosface, 10, 5, 0.1", "cosface, 500, 5, 0.1", "cosface, 500, 30, 0.35",
        "cosface, 10572, 64, 0.35"
    })
    void theFirstLossIsThatOfTheory(String name, int classes, double s, double m) {
        int d = 512;
        int batch = classes > 1000 ? 200 : 1000;
        try (PointerScope scope = new PointerScope()) {
            torch.manual_seed(2);
            LossName loss = LossName.of(name);
            MarginSoftmax head = new MarginSoftmax(classes, d, loss.margin(classes, LossSettings.of(s, m)));
            Tensor labels = torch.randint(classes, new long[] {batch}).to(torch.ScalarType.Long);
            double first = head.forward(torch.randn(batch, d), labels).loss().item_double();

            double expected = firstLoss(classes, d, s, s * (loss == LossName.ARCFACE ? Math.sin(m) : m));
            double noise = 4 * s / Math.sqrt(d) / Math.sqrt(batch); // of the mean target cosine, 4 standard deviations
            assertThat(first).isCloseTo(expected, within(0.02 + 0.02 * s * s / (2 * d) + noise));
        }
    }

    private static double firstLoss(int classes, int d, double s, double margin) {
        return Math.log(classes - 1 + Math.exp(-margin)) + margin + s * s / (2 * d);
    }

    @Test
    void theFirstLossOfArcFaceWith500IdentitiesIsAbout6Point74() {
        assertThat(firstLoss(500, 512, 5, 5 * Math.sin(0.1))).isCloseTo(6.74, within(0.005));
    }

    /** L = -ln p_y; with dL/dcos_j = s (p_j - [j = y]), whatever the margin, and dcos_j/dx = (w_j - cos_j x) / |x|. */
    @Test
    void theStraightThroughGradientIsThatOfAConstantMargin() {
        double s = 9;
        double m = 0.5;
        double[] x = {1, 2, -1};
        int y = 1;
        try (PointerScope scope = new PointerScope()) {
            torch.manual_seed(1);
            Margin margin = new ArcFaceMargin(s, m, ArcFaceMargin.Gradient.STRAIGHT_THROUGH);
            MarginSoftmax head = new MarginSoftmax(4, 3, margin);
            head.to(torch.ScalarType.Double, false);
            double[] w = Tensors.values(head.parameters().get(0));
            Tensor embedding = Tensors.rows(new double[][] {x}).detach();
            embedding.set_requires_grad(true);
            Tensor loss = head.forward(embedding, Tensors.labels(y)).loss();
            loss.backward();

            double[] cosine = new double[4];
            double[] p = new double[4];
            double all = 0;
            for (int j = 0; j < 4; j++) {
                double angle = angle(x, new double[] {w[3 * j], w[3 * j + 1], w[3 * j + 2]});
                cosine[j] = Math.cos(angle);
                p[j] = Math.exp(s * (j == y ? Math.cos(angle + m) : cosine[j]));
                all += p[j];
            }
            assertThat(loss.item_double()).isCloseTo(-Math.log(p[y] / all), within(1e-12));
            double[] gradient = Tensors.values(embedding.grad());
            double length = Math.sqrt(6);
            for (int k = 0; k < 3; k++) {
                double expected = 0;
                for (int j = 0; j < 4; j++) {
                    double wLength =
                            Math.sqrt(w[3 * j] * w[3 * j] + w[3 * j + 1] * w[3 * j + 1] + w[3 * j + 2] * w[3 * j + 2]);
                    expected += s
                            * (p[j] / all - (j == y ? 1 : 0))
                            * (w[3 * j + k] / wLength - cosine[j] * x[k] / length)
                            / length;
                }
                assertThat(gradient[k]).isCloseTo(expected, within(1e-12));
            }
        }
    }

    @Test
    void theNearestSubCenterOfAnIdentityCounts() {
        try (PointerScope scope = new PointerScope()) {
            MarginSoftmax head = new MarginSoftmax(2, 2, new CosFaceMargin(10, 0.2), 3, CrossEntropy.PLAIN);
            Tensor centers = head.parameters().get(0);
            centers.set_data(
                    Tensors.floats(1, 0, 0, 1, -1, 0, 0, -1, 1, 1, 0, -3).reshape(6, 2));
            Tensor embedding = Tensors.floats(0.1f, 2).reshape(1, 2);
            Head.Output output = head.forward(embedding, Tensors.labels(1));
            output.loss().backward();

            double target = Math.cos(angle(new double[] {0.1, 2}, new double[] {1, 1}));
            double negative = Math.cos(angle(new double[] {0.1, 2}, new double[] {0, 1}));
            double[] scores = Tensors.values(output.scores());
            assertThat(scores[0]).isCloseTo(10 * negative, within(1e-5));
            assertThat(scores[1]).isCloseTo(10 * target, within(1e-5));
            assertThat(output.loss().item_double())
                    .isCloseTo(Math.log(1 + Math.exp(10 * (negative - target + 0.2))), within(1e-5));
            double[] gradient = Tensors.values(centers.grad());
            assertThat(new double[] {gradient[2], gradient[8]}).doesNotContain(0);
            assertThat(new double[] {gradient[0], gradient[4], gradient[6], gradient[10]})
                    .containsOnly(0);
        }
    }

    @Test
    void settingCentersChangesTheFirstOfSeveralSubCenters() {
        try (PointerScope scope = new PointerScope()) {
            MarginSoftmax head = new MarginSoftmax(2, 2, new CosFaceMargin(10, 0.2), 3, CrossEntropy.PLAIN);
            head.parameters()
                    .get(0)
                    .set_data(Tensors.floats(1, 0, 0, 1, -1, 0, 0, -1, 1, 1, 0, -3)
                            .reshape(6, 2));
            head.setCenters(Tensors.floats(0, 5, -5, 0).reshape(2, 2));
            double[] set = Tensors.values(head.parameters().get(0));
            assertThat(set[0]).isZero();
            assertThat(set[1]).isPositive();
            assertThat(new double[] {set[2], set[3]}).as("the second stays").containsExactly(0, 1);
            assertThat(set[6]).isNegative();
        }
    }

    @Test
    void rejectsLessThanOneSubCenter() {
        assertThatThrownBy(() -> new MarginSoftmax(2, 2, new CosFaceMargin(10, 0.2), 0, CrossEntropy.PLAIN))
                .hasMessage("subCenters must be at least 1, but was 0");
    }

    /** Equation 6 of the paper, which has no softmax, for one target per sample. */
    @Test
    void circleLossFollowsTheUnifiedFormulaOfThePaper() {
        double s = 6;
        double m = 0.25;
        double[] x = {1, 2, -1};
        try (PointerScope scope = new PointerScope()) {
            MarginSoftmax head = new MarginSoftmax(4, 3, new CircleMargin(s, m));
            double[] w = Tensors.values(head.parameters().get(0));
            double loss = head.forward(Tensors.rows(new double[][] {x}), Tensors.labels(2))
                    .loss()
                    .item_double();
            double positive = 0;
            double negatives = 0;
            for (int j = 0; j < 4; j++) {
                double c = Math.cos(angle(x, new double[] {w[3 * j], w[3 * j + 1], w[3 * j + 2]}));
                if (j == 2) {
                    positive = Math.exp(-s * Math.max(0, 1 + m - c) * (c - (1 - m)));
                } else {
                    negatives += Math.exp(s * Math.max(0, c + m) * (c - m));
                }
            }
            assertThat(loss).isCloseTo(Math.log(1 + negatives * positive), within(1e-5));
        }
    }

    @Test
    void theStateOfAMarginIsABufferThatOutlivesTheMargin() {
        try (PointerScope scope = new PointerScope()) {
            MarginSoftmax head = new MarginSoftmax(3, 4, new CurricularFaceMargin(10, 0.5));
            head.forward(torch.randn(6, 4), Tensors.labels(0, 1, 2, 0, 1, 2));
            double t = head.named_buffers().get("t").item_double();
            assertThat(t).isNotZero();
            head.setMargin(head.margin().scaledBy(0.5));
            assertThat(head.named_buffers().get("t").item_double()).isEqualTo(t);
            head.setMargin(new AdaFaceMargin(10, 0.4));
            assertThat(head.named_buffers().get("norm_mean").item_double()).isEqualTo(20);

            head.to(torch.ScalarType.Double, false);
            head.forward(torch.randn(6, 4).to(torch.ScalarType.Double), Tensors.labels(0, 1, 2, 0, 1, 2));
            assertThat(head.named_buffers().get("norm_mean").item_double())
                    .as("the buffer that moves is the one that is saved")
                    .isLessThan(20);
        }
    }

    @Test
    void aMarginSetWithinTheScopeOfAStepKeepsItsState() {
        try (MarginSoftmax head = new MarginSoftmax(3, 4, new ArcFaceMargin(10, 0.5))) {
            try (PointerScope step = new PointerScope()) {
                head.setMargin(new AdaFaceMargin(10, 0.4));
            }
            try (PointerScope step = new PointerScope()) {
                head.forward(torch.randn(6, 4), Tensors.labels(0, 1, 2, 0, 1, 2));
                assertThat(head.named_buffers().get("norm_mean").item_double()).isNotEqualTo(20);
            }
        }
    }

    /** The scale of AdaCos follows from the number of identities; another one used to be taken without a word. */
    @Test
    void refusesAMarginForAnotherNumberOfIdentities() {
        AdaCosMargin ofFiveHundred = new AdaCosMargin(500, true);
        String message =
                "margin must be for the 10 classes of the head, but was AdaCosMargin[classes=500, dynamic=true]";
        assertThatThrownBy(() -> new MarginSoftmax(10, 4, ofFiveHundred))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(message);
        try (MarginSoftmax head = new MarginSoftmax(10, 4, new AdaCosMargin(10, false))) {
            assertThatThrownBy(() -> head.setMargin(ofFiveHundred))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage(message);
            assertThat(head.margin()).isEqualTo(new AdaCosMargin(10, false));
        }
    }

    @Test
    void aRefusedHeadAllocatesNothing() {
        torch.manual_seed(0); // loads libtorch
        long before = Pointer.totalCount();
        for (int i = 0; i < 50; i++) {
            assertThatThrownBy(() -> new MarginSoftmax(10, 4, new NormFaceMargin(10), 0, CrossEntropy.PLAIN))
                    .hasMessage("subCenters must be at least 1, but was 0");
            assertThatThrownBy(() -> new MarginSoftmax(10, 4, new AdaCosMargin(500, true)))
                    .hasMessageStartingWith("margin must be for the 10 classes");
            assertThatThrownBy(() -> new CenterLoss(10, 4, -1, CrossEntropy.PLAIN))
                    .hasMessageStartingWith("lambda must be at least 0");
        }
        assertThat(Pointer.totalCount() - before).isLessThan(50);
    }

    @Test
    void settingsTellWhetherProductsAreInBfloat16() {
        try (MarginSoftmax head = new MarginSoftmax(10, 4, new NormFaceMargin(10))) {
            assertThat(head.settings()).containsEntry("bf16 logits", "false");
            head.setChunks(ClassChunks.DEFAULT);
            assertThat(head.settings()).containsEntry("bf16 logits", "false");
            head.setChunks(ClassChunks.DEFAULT.withBf16Logits(true));
            assertThat(head.settings()).containsEntry("bf16 logits", "true");
        }
    }

    /** A loop that leaves out a batch whose loss is not finite goes on with the next one. */
    @ParameterizedTest
    @ValueSource(strings = {"adaface", "curricularface", "adacos", "center", "metric"})
    void oneEmbeddingOfNaNDoesNotStayInTheState(String kind) {
        try (PointerScope scope = new PointerScope()) {
            Head head = switch (kind) {
                case "adaface" -> new MarginSoftmax(5, 4, new AdaFaceMargin(10, 0.4));
                case "curricularface" -> new MarginSoftmax(5, 4, new CurricularFaceMargin(10, 0.5));
                case "adacos" -> new MarginSoftmax(5, 4, new AdaCosMargin(5, true));
                case "center" -> new CenterLoss(5, 4, 0.1, new CrossEntropy(0, 0));
                default -> new MetricHead(5, 4, new SemiHardTriplet(0.2));
            };
            Tensor labels = Tensors.labels(0, 1, 2, 0, 1, 2);
            Tensor embeddings = torch.randn(6, 4);
            Tensor broken = embeddings.clone();
            broken.narrow(0, 1, 1).fill_(new Scalar(Double.NaN));
            head.forward(broken, labels);
            assertThat(head.forward(embeddings, labels).loss().item_double()).isFinite();
            var state = head.named_buffers();
            assertThat(state.size()).isPositive();
            for (long i = 0; i < state.size(); i++) {
                String name = state.keys().get(i).getString();
                assertThat(state.get(name).isfinite().all().item_bool())
                        .as(name)
                        .isTrue();
            }
        }
    }

    @Test
    void aBatchWithoutSamplesIsRefused() {
        try (PointerScope scope = new PointerScope()) {
            for (Head head : List.of(
                    new MarginSoftmax(5, 4, new AdaFaceMargin(10, 0.4)),
                    new CenterLoss(5, 4, 0.1, new CrossEntropy(0, 0)),
                    new MetricHead(5, 4, new SemiHardTriplet(0.2)))) {
                assertThatThrownBy(() -> head.forward(
                                torch.randn(0, 4), Tensors.labels(0).narrow(0, 0, 0)))
                        .isInstanceOf(IllegalArgumentException.class)
                        .hasMessage("a batch must have at least one sample, but had none");
            }
        }
    }

    /** The margin gets the sum over the negatives, without the target, at the scale that it asks for. */
    @Test
    void adaCosComputesItsScaleFromTheBatch() {
        try (PointerScope scope = new PointerScope()) {
            MarginSoftmax head = new MarginSoftmax(6, 4, new AdaCosMargin(6, true));
            Tensor embeddings = torch.randn(3, 4);
            long[] labels = {5, 0, 2};
            double s = head.margin().s();
            double[] scores = Tensors.values(head.scores(embeddings));
            head.forward(embeddings, Tensors.labels(labels));
            double sum = 0;
            double[] angles = new double[3];
            for (int i = 0; i < 3; i++) {
                for (int j = 0; j < 6; j++) {
                    sum += j == labels[i] ? 0 : Math.exp(scores[6 * i + j]);
                }
                angles[i] = Math.acos(scores[6 * i + (int) labels[i]] / s);
            }
            Arrays.sort(angles);
            double expected = Math.log(sum / 3) / Math.cos(Math.min(Math.PI / 4, angles[1]));
            assertThat(head.named_buffers().get("scale").item_double()).isCloseTo(expected, within(1e-4));
        }
    }

    @Test
    void rowsOfEmbeddingsThatAreNotFiniteAreReported() {
        try (PointerScope scope = new PointerScope()) {
            MarginSoftmax head = new MarginSoftmax(3, 2, new ArcFaceMargin(10, 0.1));
            float nan = Float.NaN;
            float inf = Float.POSITIVE_INFINITY;
            Tensor nonFinite = Tensors.floats(1, 2, nan, 0, 3, 4, 0, inf).reshape(4, 2);
            double loss =
                    head.forward(nonFinite, Tensors.labels(0, 1, 2, 0)).loss().item_double();
            assertThat(NonFinite.rows(nonFinite)).containsExactly(1, 3);
            assertThatThrownBy(() -> NonFinite.check(loss, nonFinite))
                    .isInstanceOf(ArithmeticException.class)
                    .hasMessage("loss must be finite, but was NaN; the embeddings of these rows of the batch are not:"
                            + " [1, 3]");
            assertThat(NonFinite.check(1.5, nonFinite)).isEqualTo(1.5);
            assertThat(NonFinite.rows(torch.randn(3, 2))).isEmpty();
        }
    }

    @Test
    void aCosineOfAlmostOneIsNotRoundedToOneInsideAutocast() {
        try (PointerScope scope = new PointerScope()) {
            MarginSoftmax head = new MarginSoftmax(2, 2, new ArcFaceMargin(64, 0.5));
            Tensor centers = head.parameters().get(0);
            centers.set_data(Tensors.floats(3, 0, 0, 2).reshape(2, 2));
            double angle = Math.acos(0.9999);
            Tensor embedding = Tensors.floats((float) Math.cos(angle), (float) Math.sin(angle))
                    .reshape(1, 2);

            try (Autocast bf16 = Autocast.bfloat16(DeviceType.CPU)) {
                double score = Tensors.values(
                        head.forward(embedding, Tensors.labels(0)).scores())[0];
                assertThat(score / 64).isCloseTo(0.9999, within(1e-6));
            }
        }
    }

    @Test
    void theGradientIsFiniteOnTheCenterOppositeToItAndAtZero() {
        try (PointerScope scope = new PointerScope()) {
            MarginSoftmax head = new MarginSoftmax(3, 2, new ArcFaceMargin(64, 0.5));
            head.parameters().get(0).set_data(Tensors.floats(1, 0, 0, 1, -1, -1).reshape(3, 2));
            Tensor embeddings = Tensors.floats(5, 0, 0, -5, 0, 0).reshape(3, 2).detach();
            embeddings.set_requires_grad(true);

            Head.Output output = head.forward(embeddings, Tensors.labels(0, 1, 2));
            output.loss().backward();

            assertThat(output.loss().item_double()).isFinite();
            assertThat(Tensors.boxed(Tensors.values(embeddings.grad()))).allMatch(Double::isFinite);
        }
    }

    @Test
    void theNormOfEmbeddingsDoesNotMatter() {
        try (PointerScope scope = new PointerScope()) {
            MarginSoftmax head = new MarginSoftmax(5, 4, new ArcFaceMargin(20, 0.3));
            Tensor embeddings = torch.randn(6, 4);
            Tensor labels = Tensors.labels(0, 1, 2, 3, 4, 0);
            double loss = head.forward(embeddings, labels).loss().item_double();
            double longer =
                    head.forward(embeddings.mul(new Scalar(8.0)), labels).loss().item_double();
            assertThat(longer).isCloseTo(loss, within(1e-5));
        }
    }

    @Test
    void settingCentersNormalizesThemAndSkipsRowsOfZeros() {
        try (PointerScope scope = new PointerScope()) {
            MarginSoftmax head = new MarginSoftmax(3, 2, new ArcFaceMargin(10, 0.1));
            double[] before = Tensors.values(head.parameters().get(0));
            head.setCenters(Tensors.floats(3, 4, 0, 0, -2, 0).reshape(3, 2));
            double[] after = Tensors.values(head.parameters().get(0));

            assertThat(new double[] {after[0], after[1]}).containsExactly(new double[] {0.6, 0.8}, within(1e-6));
            assertThat(new double[] {after[2], after[3]}).containsExactly(before[2], before[3]);
            assertThat(new double[] {after[4], after[5]}).containsExactly(-1, 0);
        }
    }

    @Test
    void rejectsCentersOfAnotherShape() {
        try (PointerScope scope = new PointerScope()) {
            MarginSoftmax head = new MarginSoftmax(3, 2, new ArcFaceMargin(10, 0.1));
            Tensor means = Tensors.floats(1, 2, 3, 4).reshape(2, 2);
            assertThatThrownBy(() -> head.setCenters(means)).hasMessage("centers must be [3, 2], but were [2, 2]");
        }
    }

    @Test
    void centersAreInitializedLikeInsightfaces() {
        try (PointerScope scope = new PointerScope()) {
            double[] w = Tensors.values(new MarginSoftmax(200, 100, new ArcFaceMargin(5, 0.1))
                    .parameters()
                    .get(0));
            double squares = 0;
            for (double one : w) {
                squares += one * one;
            }
            assertThat(Math.sqrt(squares / w.length)).isCloseTo(0.01, within(0.0003));
        }
    }
}
