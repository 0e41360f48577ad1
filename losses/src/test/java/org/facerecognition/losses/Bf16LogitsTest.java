package org.facerecognition.losses;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.facerecognition.losses.ChunkedHeads.labels;
import static org.facerecognition.losses.ChunkedHeads.step;

import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.facerecognition.losses.ChunkedHeads.Step;
import org.junit.jupiter.api.Test;

/** The accuracy of {@link ClassChunks#bf16Logits}. */
class Bf16LogitsTest {
    @Test
    void roundsAllCosinesExceptTheTargets() {
        try (PointerScope scope = new PointerScope()) {
            MarginSoftmax head = new MarginSoftmax(2, 2, new NormFaceMargin(64));
            head.parameters().get(0).set_data(Tensors.floats(3, 0, 0, 2).reshape(2, 2));
            double angle = Math.acos(0.9999);
            Tensor x = Tensors.floats((float) Math.cos(angle), (float) Math.sin(angle))
                    .reshape(1, 2);
            head.setChunks(ClassChunks.DEFAULT.withBf16Logits(true));
            double loss = head.forward(x, Tensors.labels(1)).loss().item_double();
            // the negative's cosine, 0.9999, is rounded to 1; the target's, sin(acos(0.9999)), is not
            assertThat(loss).isCloseTo(64 * (1 - Math.sin(angle)), within(1e-4));
            double right = head.forward(x, Tensors.labels(0)).loss().item_double();
            assertThat(right).isLessThan(1e-6);
        }
    }

    @Test
    void errorsAreThoseOfTheJavadoc() {
        try (PointerScope scope = new PointerScope()) {
            torch.manual_seed(5);
            Tensor x = torch.randn(32, 128);
            Step exact = trainingStep(x, false);
            Step rounded = trainingStep(x, true);
            assertThat(rounded.loss()).isCloseTo(exact.loss(), within(0.01));
            assertThat(relativeError(rounded.toX(), exact.toX())).isBetween(1e-5, 0.02);
            assertThat(relativeError(rounded.toW(), exact.toW())).isBetween(1e-5, 0.02);
        }
    }

    private static Step trainingStep(Tensor x, boolean bf16) {
        torch.manual_seed(6);
        MarginSoftmax head = new MarginSoftmax(2000, 128, new ArcFaceMargin(64, 0.5));
        head.setChunks(ClassChunks.DEFAULT.withBf16Logits(bf16));
        return step(head, x, labels(32, 2000), 1);
    }

    /** The norm of the difference over the norm of the expected values. */
    private static double relativeError(double[] actual, double[] expected) {
        double squares = 0;
        double all = 0;
        for (int i = 0; i < actual.length; i++) {
            squares += (actual[i] - expected[i]) * (actual[i] - expected[i]);
            all += expected[i] * expected[i];
        }
        return Math.sqrt(squares / all);
    }
}
