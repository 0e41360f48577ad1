package org.facerecognition.train;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Module;
import org.facerecognition.backbone.Encoder;
import org.junit.jupiter.api.Test;

class EvaluationModeTest {
    private static boolean isTraining(Module net, String layer) {
        try (PointerScope scope = new PointerScope()) {
            return net.named_modules("", false).get(layer).is_training();
        }
    }

    /** The first of two threads to end had the network train in the middle of the other's forward pass. */
    @Test
    void lastsUntilTheLastUserEnds() {
        try (Module net = Encoder.RESNET18.create("fc", List.of(8))) {
            net.train(true);
            try (PointerScope scope = new PointerScope()) {
                net.named_modules("", false).get("bn1").eval(); // a frozen layer
            }
            for (int round = 0; round < 2; round++) {
                EvaluationMode first;
                EvaluationMode second;
                try (PointerScope scope = new PointerScope()) { // of the first user's own
                    first = EvaluationMode.of(net);
                    second = EvaluationMode.of(net);
                    first.close();
                }
                assertThat(net.is_training()).isFalse();
                assertThat(isTraining(net, "fc")).isFalse();
                second.close();
                assertThat(net.is_training()).isTrue();
                assertThat(isTraining(net, "fc")).isTrue();
                assertThat(isTraining(net, "bn1")).isFalse();
            }
        }
    }

    @Test
    void changesNothingInANetworkThatEvaluates() {
        try (Module net = Encoder.RESNET18.create("fc", List.of(8))) {
            net.eval();
            try (EvaluationMode mode = EvaluationMode.of(net)) {
                assertThat(net.is_training()).isFalse();
            }
            assertThat(net.is_training()).isFalse();
        }
    }
}
