package org.facerecognition.backbone;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.facerecognition.natives.Libtorch;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

class LayerTest {
    private Tensor first = new Tensor();

    @BeforeAll
    static void natives() {
        Libtorch.load();
    }

    private Tensor run(Tensor given) {
        Layer keeping = Layer.of(
                x -> {
                    first = torch.sigmoid(x);
                    return first;
                },
                (graph, x) -> x);
        return Layer.run(List.of(Layers.IDENTITY, keeping, Layers.RELU, Layers.SIGMOID), given);
    }

    @Nested
    class WithoutGradients {
        @Test
        void closesWhatIsBetweenTwoLayersAndNothingElse() {
            try (PointerScope scope = new PointerScope();
                    NoGradGuard noGrad = new NoGradGuard()) {
                Tensor given = torch.zeros(3);
                Tensor result = run(given);
                assertThat(first.isNull()).isTrue();
                assertThat(given.numel()).isEqualTo(3);
                assertThat(result.sum().item_float()).isEqualTo(3 * 0.62245935f);
            }
        }

        @Test
        void returnsWhatItWasGivenIfNoLayerReplacesIt() {
            try (PointerScope scope = new PointerScope();
                    NoGradGuard noGrad = new NoGradGuard()) {
                Tensor given = torch.ones(3);
                Tensor result = Layer.run(List.of(Layers.RELU, Layers.IDENTITY), given);
                assertThat(result.sum().item_float()).isEqualTo(3);
                assertThat(given.numel()).isEqualTo(3);
            }
        }
    }

    @Test
    void closesNothingWithGradients() {
        try (PointerScope scope = new PointerScope()) {
            run(torch.zeros(3));
            assertThat(first.numel()).isEqualTo(3);
        }
    }
}
