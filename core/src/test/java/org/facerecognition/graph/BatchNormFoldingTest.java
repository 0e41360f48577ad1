package org.facerecognition.graph;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.function.BiFunction;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.facerecognition.graph.Operation.Activation;
import org.facerecognition.graph.Operation.BatchNorm;
import org.facerecognition.graph.Operation.Convolution;
import org.facerecognition.graph.Operation.Linear;
import org.facerecognition.natives.Libtorch;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Which batch normalizations are folded and which stay; folded weights are compared with hand-computed values. */
class BatchNormFoldingTest {
    @BeforeAll
    static void loadNatives() {
        Libtorch.load();
    }

    private static Tensor tensor(double... values) {
        return Tensor.create(values).to(ScalarType.Float);
    }

    /** Returns (x - 3) / sqrt(3.75 + 0.25) * 4 + 5 = 2 x - 1, for one channel. */
    private static BatchNorm twoXMinusOne() {
        return new BatchNorm(tensor(3), tensor(3.75), tensor(4), tensor(5), 0.25);
    }

    private static Convolution convolution(double weight, double bias) {
        return new Convolution(tensor(weight).reshape(1, 1, 1, 1), tensor(bias), 1, 0, 1);
    }

    private static List<Operation> folded(BiFunction<GraphBuilder, Value, Value> description) {
        try (Graph graph = Graph.of(description)) {
            return BatchNormFolding.fold(graph).nodes().stream()
                    .map(Node::operation)
                    .toList();
        }
    }

    @Test
    void foldsIntoTheConvolutionBefore() {
        try (PointerScope scope = new PointerScope();
                NoGradGuard noGrad = new NoGradGuard()) {
            List<Operation> operations = folded((g, x) -> g.add(twoXMinusOne(), g.add(convolution(7, 10), x)));
            assertThat(operations).hasSize(2);
            Convolution c = (Convolution) operations.get(1);
            assertThat(c.weight().item_double()).isEqualTo(14); // 2 * 7
            assertThat(c.bias().item_double()).isEqualTo(19); // 2 * 10 - 1
        }
    }

    @Test
    void addsABiasToTheConvolutionBefore() {
        try (PointerScope scope = new PointerScope();
                NoGradGuard noGrad = new NoGradGuard()) {
            var plain = new Convolution(tensor(7).reshape(1, 1, 1, 1), null, 2, 0, 1);
            Convolution c = (Convolution)
                    folded((g, x) -> g.add(twoXMinusOne(), g.add(plain, x))).get(1);
            assertThat(c.bias().item_double()).isEqualTo(-1);
            assertThat(c.stride()).isEqualTo(2);
        }
    }

    @Test
    void foldsIntoTheLinearLayerAfterFlattening() {
        try (PointerScope scope = new PointerScope();
                NoGradGuard noGrad = new NoGradGuard()) {
            // two channels, 2 x - 1 and x + 1, with two positions each
            BatchNorm norm = new BatchNorm(tensor(0, 0), tensor(1, 1), tensor(2, 1), tensor(-1, 1), 0);
            Linear linear = new Linear(tensor(1, 10, 100, 1000).reshape(1, 4), tensor(0.5));
            List<Operation> operations = folded((g, x) -> g.add(linear, g.flatten(g.add(norm, x))));
            assertThat(operations).hasSize(3);
            Linear l = (Linear) operations.get(2);
            assertThat(l.weight().equal(tensor(2, 20, 100, 1000).reshape(1, 4))).isTrue();
            assertThat(l.bias().item_double()).isEqualTo(0.5 - 11 + 1100);
        }
    }

    @Test
    void foldsIntoTheLinearLayerBefore() {
        try (PointerScope scope = new PointerScope();
                NoGradGuard noGrad = new NoGradGuard()) {
            Linear linear = new Linear(tensor(3, 4).reshape(1, 2), null);
            Linear l = (Linear)
                    folded((g, x) -> g.add(twoXMinusOne(), g.add(linear, x))).get(1);
            assertThat(l.weight().equal(tensor(6, 8).reshape(1, 2))).isTrue();
            assertThat(l.bias().item_double()).isEqualTo(-1);
        }
    }

    @Test
    void staysWhenTheConvolutionHasAnotherUse() {
        try (PointerScope scope = new PointerScope();
                NoGradGuard noGrad = new NoGradGuard()) {
            Convolution shared = convolution(7, 10); // not owned by the graph, which is closed before the assertions
            List<Operation> operations = folded((g, x) -> {
                Value convolved = g.add(shared, x);
                return g.plus(g.add(twoXMinusOne(), convolved), convolved);
            });
            assertThat(operations).hasAtLeastOneElementOfType(BatchNorm.class);
            assertThat(((Convolution) operations.get(1)).weight().item_double()).isEqualTo(7);
        }
    }

    @Test
    void staysBetweenAnActivationAndAConvolution() {
        try (PointerScope scope = new PointerScope();
                NoGradGuard noGrad = new NoGradGuard()) {
            List<Operation> operations = folded((g, x) -> {
                Value active = g.add(Activation.RELU, g.add(convolution(7, 10), x));
                return g.add(convolution(1, 0), g.add(twoXMinusOne(), active));
            });
            assertThat(operations).hasSize(5).hasAtLeastOneElementOfType(BatchNorm.class);
        }
    }

    @Test
    void graphDropsUnusedNodes() {
        try (PointerScope scope = new PointerScope();
                Graph graph = Graph.of((g, x) -> {
                    g.add(convolution(7, 10), x);
                    return g.relu(x);
                })) {
            assertThat(graph.nodes()).hasSize(2);
            assertThat(graph.nodes().get(1)).isEqualTo(new Node(Activation.RELU, List.of(new Value(0))));
        }
    }
}
