package org.facerecognition.graph;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.function.BiFunction;
import org.facerecognition.graph.Operation.Activation;
import org.facerecognition.graph.Operation.BatchNorm;
import org.facerecognition.graph.Operation.Convolution;
import org.facerecognition.graph.Operation.Linear;
import org.junit.jupiter.api.Test;

/** Which batch normalizations are folded and which stay; folded weights are compared with hand-computed values. */
class BatchNormFoldingTest {
    private static Constant constant(double... values) {
        float[] floats = new float[values.length];
        for (int i = 0; i < floats.length; i++) {
            floats[i] = (float) values[i];
        }
        return Constant.of(floats, floats.length);
    }

    /** Returns (x - 3) / sqrt(3.75 + 0.25) * 4 + 5 = 2 x - 1, for one channel. */
    private static BatchNorm twoXMinusOne() {
        return new BatchNorm(constant(3), constant(3.75), constant(4), constant(5), 0.25);
    }

    private static Convolution convolution(double weight, double bias) {
        return new Convolution(constant(weight).reshape(1, 1, 1, 1), constant(bias), 1, 0, 1);
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
        List<Operation> operations = folded((g, x) -> g.add(twoXMinusOne(), g.add(convolution(7, 10), x)));
        assertThat(operations).hasSize(2);
        Convolution c = (Convolution) operations.get(1);
        assertThat(c.weight().values()).containsExactly(14); // 2 * 7
        assertThat(c.bias().values()).containsExactly(19); // 2 * 10 - 1
    }

    @Test
    void addsABiasToTheConvolutionBefore() {
        var plain = new Convolution(constant(7).reshape(1, 1, 1, 1), null, 2, 0, 1);
        Convolution c = (Convolution)
                folded((g, x) -> g.add(twoXMinusOne(), g.add(plain, x))).get(1);
        assertThat(c.bias().values()).containsExactly(-1);
        assertThat(c.window()).isEqualTo(Window.of(2, 0));
    }

    @Test
    void foldsIntoTheLinearLayerAfterFlattening() {
        // two channels, 2 x - 1 and x + 1, with two positions each
        BatchNorm norm = new BatchNorm(constant(0, 0), constant(1, 1), constant(2, 1), constant(-1, 1), 0);
        Linear linear = new Linear(constant(1, 10, 100, 1000).reshape(1, 4), constant(0.5));
        List<Operation> operations = folded((g, x) -> g.add(linear, g.flatten(g.add(norm, x))));
        assertThat(operations).hasSize(3);
        Linear l = (Linear) operations.get(2);
        assertThat(l.weight().values()).containsExactly(2, 20, 100, 1000);
        assertThat(l.bias().values()).containsExactly((float) (0.5 - 11 + 1100));
    }

    @Test
    void foldsIntoTheLinearLayerBefore() {
        Linear linear = new Linear(constant(3, 4).reshape(1, 2), null);
        Linear l = (Linear)
                folded((g, x) -> g.add(twoXMinusOne(), g.add(linear, x))).get(1);
        assertThat(l.weight().values()).containsExactly(6, 8);
        assertThat(l.bias().values()).containsExactly(-1);
    }

    @Test
    void staysWhenTheConvolutionHasAnotherUse() {
        Convolution shared = convolution(7, 10); // not owned by the graph, which is closed before the assertions
        List<Operation> operations = folded((g, x) -> {
            Value convolved = g.add(shared, x);
            return g.plus(g.add(twoXMinusOne(), convolved), convolved);
        });
        assertThat(operations).hasAtLeastOneElementOfType(BatchNorm.class);
        assertThat(((Convolution) operations.get(1)).weight().values()).containsExactly(7);
    }

    @Test
    void staysBetweenAnActivationAndAConvolution() {
        List<Operation> operations = folded((g, x) -> {
            Value active = g.add(Activation.RELU, g.add(convolution(7, 10), x));
            return g.add(convolution(1, 0), g.add(twoXMinusOne(), active));
        });
        assertThat(operations).hasSize(5).hasAtLeastOneElementOfType(BatchNorm.class);
    }

    @Test
    void graphDropsUnusedNodes() {
        try (Graph graph = Graph.of((g, x) -> {
            g.add(convolution(7, 10), x);
            return g.relu(x);
        })) {
            assertThat(graph.nodes()).hasSize(2);
            assertThat(graph.nodes().get(1)).isEqualTo(new Node(Activation.RELU, List.of(new Value(0))));
        }
    }
}
