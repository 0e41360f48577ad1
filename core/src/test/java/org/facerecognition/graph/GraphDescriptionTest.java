package org.facerecognition.graph;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import java.util.function.UnaryOperator;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.facerecognition.graph.Operation.Linear;
import org.facerecognition.natives.Libtorch;
import org.junit.jupiter.api.Test;

class GraphDescriptionTest {
    static {
        Libtorch.load();
    }

    /** Parts and transposed tensors have the address of the whole one, whose values are others. */
    @Test
    void namesOnlyWholeTensors() {
        try (PointerScope scope = new PointerScope()) {
            assertThat(isDescribed(weight -> weight)).isTrue();
            assertThat(isDescribed(weight -> weight.detach())).isTrue();
            assertThat(isDescribed(weight -> weight.t())).isFalse();
            assertThat(isDescribed(weight -> weight.narrow(0, 0, 2))).isFalse();
            assertThat(isDescribed(weight -> weight.reshape(2, 8))).isFalse();
        }
    }

    private static boolean isDescribed(UnaryOperator<Tensor> constant) {
        Tensor weight = torch.randn(4, 4);
        Linear linear = new Linear(Constant.of(constant.apply(weight)), null);
        try (Graph graph = Graph.of((g, x) -> g.add(linear, g.flatten(x)))) {
            return GraphDescription.of(graph, Map.of("weight", weight)).isPresent();
        }
    }
}
