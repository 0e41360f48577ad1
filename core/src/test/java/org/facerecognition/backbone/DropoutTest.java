package org.facerecognition.backbone;

import static org.assertj.core.api.Assertions.assertThat;

import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.facerecognition.natives.Libtorch;
import org.facerecognition.natives.RandomStream;
import org.junit.jupiter.api.Test;

/** Inverted dropout against torch's own. */
class DropoutTest {
    static {
        Libtorch.load();
    }

    @Test
    void equalsTorchsDropoutWithTheSameSeed() {
        for (double p : new double[] {0.1, 0.5, 0.9}) {
            try (PointerScope scope = new PointerScope()) {
                Tensor x = torch.randn(7, 33);
                Tensor expected = RandomStream.seeded(5, () -> torch.dropout(x, p, true));
                Tensor ours = RandomStream.seeded(5, () -> Layers.dropout(x, p, true));
                assertThat(ours.equal(expected)).isTrue();
                assertThat(Layers.dropout(x, p, false).equal(x)).isTrue();
            }
        }
    }

    @Test
    void drawsFromTheBoundRandomStream() {
        try (PointerScope scope = new PointerScope();
                Device cpu = new Device("cpu");
                RandomStream one = new RandomStream(cpu, 5);
                RandomStream other = new RandomStream(cpu, 6)) {
            Tensor x = torch.ones(64);
            Tensor seeded = RandomStream.seeded(5, () -> Layers.dropout(x, 0.5, true));
            assertThat(one.during(() -> Layers.dropout(x, 0.5, true)).equal(seeded))
                    .isTrue();
            assertThat(other.lendDuring(() -> torch.dropout(x, 0.5, true)).equal(seeded))
                    .isFalse();
        }
    }
}
