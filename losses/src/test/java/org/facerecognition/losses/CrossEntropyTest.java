package org.facerecognition.losses;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Smoothing and focal weighting against a loop over plain numbers. */
class CrossEntropyTest {
    private static final double[][] LOGITS = {{1, -2, 0.5}, {3, 3.5, -1}};
    private static final int[] LABELS = {2, 0};

    private static double expected(double[][] logits, double smoothing, double gamma) {
        double sum = 0;
        for (int i = 0; i < logits.length; i++) {
            double all = 0;
            for (double logit : logits[i]) {
                all += Math.exp(logit);
            }
            double loss = 0;
            for (int j = 0; j < 3; j++) {
                double target = (j == LABELS[i] ? 1 - smoothing : 0) + smoothing / 3;
                loss -= target * Math.log(Math.exp(logits[i][j]) / all);
            }
            sum += loss * Math.pow(1 - Math.exp(logits[i][LABELS[i]]) / all, gamma);
        }
        return sum / logits.length;
    }

    @ParameterizedTest
    @CsvSource({"0, 0", "0.1, 0", "0, 2", "0, 0.5", "0.2, 1"})
    void valueAndGradientFollowTheFormula(double smoothing, double gamma) {
        double h = 1e-6;
        try (PointerScope scope = new PointerScope()) {
            Tensor logits = Tensors.rows(LOGITS).detach();
            logits.set_requires_grad(true);
            Tensor loss = new CrossEntropy(smoothing, gamma).of(logits, Tensors.labels(LABELS[0], LABELS[1]));
            loss.backward();
            assertThat(loss.item_double()).isCloseTo(expected(LOGITS, smoothing, gamma), within(1e-12));
            double[] gradient = Tensors.values(logits.grad());
            for (int i = 0; i < 6; i++) {
                double[][] up = {LOGITS[0].clone(), LOGITS[1].clone()};
                double[][] down = {LOGITS[0].clone(), LOGITS[1].clone()};
                up[i / 3][i % 3] += h;
                down[i / 3][i % 3] -= h;
                double slope = (expected(up, smoothing, gamma) - expected(down, smoothing, gamma)) / (2 * h);
                assertThat(gradient[i]).isCloseTo(slope, within(1e-8));
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"0, 0.5", "0, 2", "0.1, 0.5"})
    void theGradientIsFiniteForCertainPredictions(double smoothing, double gamma) {
        try (PointerScope scope = new PointerScope()) {
            Tensor logits =
                    Tensors.floats(0, 0, 500, 900, -900, 3).reshape(2, 3).detach();
            logits.set_requires_grad(true);
            Tensor loss = new CrossEntropy(smoothing, gamma).of(logits, Tensors.labels(2, 1));
            loss.backward();
            assertThat(loss.item_double()).isFinite();
            assertThat(Tensors.boxed(Tensors.values(logits.grad()))).allMatch(Double::isFinite);
        }
    }
}
