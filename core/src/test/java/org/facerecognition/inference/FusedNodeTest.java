package org.facerecognition.inference;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.function.BiFunction;
import org.facerecognition.graph.Constant;
import org.facerecognition.graph.Graph;
import org.facerecognition.graph.GraphBuilder;
import org.facerecognition.graph.Operation.Activation;
import org.facerecognition.graph.Operation.Convolution;
import org.facerecognition.graph.Operation.Unflatten;
import org.facerecognition.graph.Value;
import org.junit.jupiter.api.Test;

class FusedNodeTest {
    private static final Constant ONE = Constant.of(new float[] {1}); // fusing does not look at the weights
    private static final Convolution CONVOLUTION = new Convolution(ONE, null, 1, 0, 1);

    private static Value convolution(GraphBuilder g, Value x) {
        return g.add(CONVOLUTION, x);
    }

    private static List<FusedNode> fused(BiFunction<GraphBuilder, Value, Value> description) {
        try (Graph graph = Graph.of(description)) {
            return FusedNode.of(graph);
        }
    }

    @Test
    void fusesAnActivationWithItsConvolution() {
        List<FusedNode> nodes = fused((g, x) -> g.silu(convolution(g, x)));
        assertThat(nodes).hasSize(1);
        assertThat(nodes.get(0).then()).isEqualTo(Activation.SILU);
        assertThat(nodes.get(0).dead()).containsExactly(0);
    }

    @Test
    void fusesAResidualBlockIntoTwoConvolutionsAndAddsInPlace() {
        List<FusedNode> nodes = fused((g, x) -> {
            Value block = g.relu(convolution(g, x)); // 1, 2
            Value out = convolution(g, g.relu(convolution(g, block))); // 3, 4, 5
            return g.relu(g.plus(out, block)); // 6, 7
        });
        assertThat(nodes).hasSize(3);
        FusedNode last = nodes.get(2);
        assertThat(last.addend()).isEqualTo(1); // the first convolution's value
        assertThat(last.then()).isEqualTo(Activation.RELU);
        assertThat(last.inputs()).containsExactly(3);
        assertThat(last.addsInPlace()).isTrue();
    }

    @Test
    void laterOfTwoConvolutionsTakesTheAddition() {
        List<FusedNode> nodes = fused((g, x) -> {
            Value block = g.relu(convolution(g, x)); // 1, 2
            Value out = convolution(g, block); // 3
            return g.relu(g.plus(out, convolution(g, block))); // 4, 5, 6
        });
        assertThat(nodes).hasSize(3);
        assertThat(nodes.get(1).addend()).isEqualTo(FusedNode.NONE);
        assertThat(nodes.get(2).addend()).isEqualTo(3);
        assertThat(nodes.get(2).inputs()).containsExactly(1);
    }

    @Test
    void doesNotOverwriteAnAddendThatIsNeededLater() {
        List<FusedNode> nodes = fused((g, x) -> {
            Value block = g.relu(convolution(g, x)); // 1, 2
            Value sum = g.plus(convolution(g, block), block); // 3, 4
            return g.plus(convolution(g, sum), block); // 5, 6
        });
        assertThat(nodes.get(1).addend()).isEqualTo(1);
        assertThat(nodes.get(1).addsInPlace()).isFalse();
        assertThat(nodes.get(2).addsInPlace()).isTrue(); // the last use
    }

    @Test
    void doesNotOverwriteAnAddendThatIsTheConvolutionsInput() {
        List<FusedNode> nodes = fused((g, x) -> {
            Value block = convolution(g, x); // 1
            return g.plus(convolution(g, block), block);
        });
        assertThat(nodes.get(1).addend()).isEqualTo(1);
        assertThat(nodes.get(1).addsInPlace()).isFalse();
    }

    /** Rows and the images that are made of them can be the same memory. */
    @Test
    void doesNotOverwriteAnAddendWhoseMemoryIsNeededLater() {
        List<FusedNode> nodes = fused((g, x) -> {
            Value rows = g.flatten(convolution(g, x)); // 1, 2
            Value images = g.add(new Unflatten(), rows); // 3
            Value sum = g.plus(convolution(g, x), images); // 4, 5
            return g.plus(g.flatten(sum), rows); // 6, 7
        });
        assertThat(nodes.get(3).addend()).isEqualTo(3);
        assertThat(nodes.get(3).addsInPlace()).isFalse();
        assertThat(nodes.get(5).dead()).contains(2);
    }

    @Test
    void doesNotOverwriteTheMemoryOfTheConvolutionsInput() {
        List<FusedNode> nodes = fused((g, x) -> {
            Value rows = g.flatten(convolution(g, x)); // 1, 2
            Value images = g.add(new Unflatten(), rows); // 3
            Value other = g.add(new Unflatten(), rows); // 4
            return g.plus(convolution(g, images), other); // 5, 6
        });
        assertThat(nodes.get(4).addend()).isEqualTo(4);
        assertThat(nodes.get(4).addsInPlace()).isFalse();
    }

    @Test
    void doesNotOverwriteTheCallersImages() {
        List<FusedNode> nodes = fused((g, x) -> g.plus(convolution(g, x), x));
        assertThat(nodes.get(0).addend()).isZero();
        assertThat(nodes.get(0).addsInPlace()).isFalse();
        nodes = fused((g, x) -> {
            Value images = g.add(new Unflatten(), g.flatten(x)); // 1, 2
            return g.plus(convolution(g, convolution(g, x)), images);
        });
        assertThat(nodes.get(3).addend()).isEqualTo(2);
        assertThat(nodes.get(3).addsInPlace()).isFalse();
    }

    @Test
    void fusesAnyActivationAfterTheAddition() {
        List<FusedNode> nodes = fused((g, x) -> g.silu(g.plus(convolution(g, x), x)));
        assertThat(nodes).hasSize(1);
        assertThat(nodes.get(0).addend()).isZero();
        assertThat(nodes.get(0).then()).isEqualTo(Activation.SILU);
    }

    @Test
    void doesNotFuseAnActivationOfAValueWithTwoUses() {
        List<FusedNode> nodes = fused((g, x) -> {
            Value out = convolution(g, x);
            return g.scale(out, g.sigmoid(out));
        });
        assertThat(nodes).hasSize(3);
        assertThat(nodes.get(0).then()).isNull();
    }
}
