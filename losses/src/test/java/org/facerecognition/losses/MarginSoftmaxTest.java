package org.facerecognition.losses;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.DeviceType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MarginSoftmaxTest {
    @Test
    void isTheCrossEntropyOfScaledCosinesWithTheTargetsMoved() {
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
                    double moved = angle + m > Math.PI ? -2 - Math.cos(angle + m) : Math.cos(angle + m);
                    double logit = s * (j == y[i] ? moved : Math.cos(angle));
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
     * Random embeddings and centres are nearly at right angles, cosines of variance 1/d: the loss is ln of the sum of
     * the others and the moved target, plus what the target lacks.
     */
    @ParameterizedTest
    @CsvSource({"10, 5, .1", "500, 5, .1", "500, 30, .5", "10572, 64, .5", "10572, 5, .1"})
    void theFirstLossIsWhatTheorySays(int classes, double s, double m) {
        int d = 512;
        try (PointerScope scope = new PointerScope()) {
            torch.manual_seed(2);
            MarginSoftmax head = new MarginSoftmax(classes, d, new ArcFaceMargin(s, m));
            Tensor labels = torch.randint(classes, new long[] {1000}).to(torch.ScalarType.Long);
            double loss = head.forward(torch.randn(1000, d), labels).loss().item_double();

            double lack = s * Math.sin(m);
            double expected = Math.log(classes - 1 + Math.exp(-lack)) + lack + s * s / (2 * d);
            assertThat(loss).isCloseTo(expected, within(0.02 + 0.02 * s * s / (2 * d) + 0.1 * s / Math.sqrt(d)));
        }
    }

    @Test
    void aCosineOfAlmostOneIsNotRoundedToOneInsideAutocast() {
        try (PointerScope scope = new PointerScope()) {
            MarginSoftmax head = new MarginSoftmax(2, 2, new ArcFaceMargin(64, 0.5));
            Tensor centres = head.parameters().get(0);
            centres.set_data(Tensors.floats(3, 0, 0, 2).reshape(2, 2));
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
    void anEmbeddingOnItsCentreOrOppositeOrOfLengthNoughtHasAFiniteGradient() {
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
    void onlyTheDirectionOfEmbeddingsMatters() {
        try (PointerScope scope = new PointerScope()) {
            MarginSoftmax head = new MarginSoftmax(5, 4, new ArcFaceMargin(20, 0.3));
            Tensor embeddings = torch.randn(6, 4);
            Tensor labels = Tensors.labels(0, 1, 2, 3, 4, 0);
            double loss = head.forward(embeddings, labels).loss().item_double();
            double longer = head.forward(embeddings.mul(new org.bytedeco.pytorch.Scalar(8.0)), labels)
                    .loss()
                    .item_double();
            assertThat(longer).isCloseTo(loss, within(1e-5));
        }
    }

    @Test
    void centresCanBeSetButForThoseWithoutADirection() {
        try (PointerScope scope = new PointerScope()) {
            MarginSoftmax head = new MarginSoftmax(3, 2, new ArcFaceMargin(10, 0.1));
            double[] before = Tensors.values(head.parameters().get(0));
            head.setCentres(Tensors.floats(3, 4, 0, 0, -2, 0).reshape(3, 2));
            double[] after = Tensors.values(head.parameters().get(0));

            assertThat(after[1] / after[0]).isCloseTo(4 / 3.0, within(1e-5));
            assertThat(new double[] {after[2], after[3]}).containsExactly(before[2], before[3]);
            assertThat(after[4]).isNegative();
            assertThat(after[5]).isZero();
            Tensor four = Tensors.floats(1, 2, 3, 4).reshape(2, 2);
            assertThatThrownBy(() -> head.setCentres(four)).hasMessage("centres must be [3, 2], but were [2, 2]");
        }
    }

    @Test
    void centresAreDrawnLikeInsightfaces() {
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
