package org.facerecognition.losses;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.Test;

class LinearSoftmaxTest {
    @Test
    void isTheCrossEntropyOfALinearLayer() {
        double[] x = {0.5, -1, 2};
        try (PointerScope scope = new PointerScope()) {
            LinearSoftmax head = new LinearSoftmax(2, 3);
            double[] w = Tensors.values(head.parameters().get(0)); // [2, 3]
            double[] b = Tensors.values(head.parameters().get(1)); // [2]
            Tensor embedding = Tensors.rows(new double[][] {x}).to(torch.ScalarType.Float);
            double[] scores = Tensors.values(head.scores(embedding));
            double loss = head.forward(embedding, Tensors.labels(1)).loss().item_double();

            for (int j = 0; j < 2; j++) {
                double expected = w[3 * j] * x[0] + w[3 * j + 1] * x[1] + w[3 * j + 2] * x[2] + b[j];
                assertThat(scores[j]).isCloseTo(expected, within(1e-6));
            }
            assertThat(loss).isCloseTo(Math.log(1 + Math.exp(scores[0] - scores[1])), within(1e-6));
        }
    }

    @Test
    void isInitializedLikeTorchsLinear() {
        try (PointerScope scope = new PointerScope()) {
            double[] w = Tensors.values(new LinearSoftmax(300, 64).parameters().get(0));
            double largest = 0;
            for (double one : w) {
                largest = Math.max(largest, Math.abs(one));
            }
            assertThat(largest).isCloseTo(1 / Math.sqrt(64), within(1e-4)); // uniform in +-1/sqrt(inputs)
        }
    }
}
