package org.facerecognition.inference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.bytedeco.dnnl.memory.data_type;
import org.bytedeco.javacpp.PointerScope;
import org.facerecognition.graph.Constant;
import org.facerecognition.graph.Graph;
import org.facerecognition.graph.Operation;
import org.facerecognition.graph.Operation.AveragePool;
import org.facerecognition.graph.Operation.Convolution;
import org.facerecognition.graph.Operation.Flatten;
import org.facerecognition.graph.Operation.MaxPool;
import org.facerecognition.graph.Window;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Poolings of a lone image that are cut into parts, against those of one thread. */
class OneDnnPoolingTest {
    private static final int HEIGHT_PX = 41;
    private static final int WIDTH_PX = 38;

    @BeforeAll
    static void needsOneDnn() {
        assumeTrue(OneDnn.isFast(), "oneDNN has no fast code for this processor");
    }

    static Stream<Operation> poolings() {
        return Stream.of(
                new MaxPool(3, 2, 1),
                new MaxPool(2, 2, 0),
                new MaxPool(5, 3, new Window(3, 2, 1, 1, 2, 0, 1, 2)),
                new AveragePool(3, 3, Window.of(2, 1), true),
                new AveragePool(3, 3, Window.of(2, 1), false),
                new AveragePool(2, 3, Window.of(1, 0), false));
    }

    /** Returns a network whose convolution stores 64 channels in the layout that oneDNN likes best. */
    private static Graph graph(Operation pooling) {
        Random random = new Random(1);
        float[] weights = new float[64 * 3 * 9];
        for (int i = 0; i < weights.length; i++) {
            weights[i] = random.nextFloat() - 0.5f;
        }
        Constant weight = Constant.of(weights, new long[] {64, 3, 3, 3});
        return Graph.of((net, image) ->
                net.add(new Flatten(), net.add(pooling, net.add(new Convolution(weight, null, 1, 1, 1), image))));
    }

    @ParameterizedTest
    @MethodSource("poolings")
    void partsHaveTheBitsOfTheWhole(Operation pooling) {
        ConvolutionalNet.Image image = new ConvolutionalNet.Image() {
            @Override
            public int heightPx() {
                return HEIGHT_PX;
            }

            @Override
            public int widthPx() {
                return WIDTH_PX;
            }

            @Override
            public void read(float[] values) {
                Random random = new Random(2);
                for (int i = 0; i < values.length; i++) {
                    values[i] = random.nextFloat() - 0.5f;
                }
            }
        };
        try (Graph graph = graph(pooling);
                ConvolutionalNet alone = ConvolutionalNet.of(graph, 64, 64, new ComputeThreads(1))
                        .orElseThrow();
                ConvolutionalNet helped = ConvolutionalNet.of(graph, 64, 64, new ComputeThreads(4))
                        .orElseThrow()) {
            float[] expected = alone.run(image);
            for (int i = 0; i < 5; i++) {
                assertThat(helped.run(image)).as("run %d", i).isEqualTo(expected);
            }
            assertThat(helped.sizesInParts()).isOne();
        }
    }

    @ParameterizedTest
    @MethodSource("poolings")
    void largeImagesAreCut(Operation pooling) {
        assertThat(parts(pooling, HEIGHT_PX)).isEqualTo(2);
        assertThat(parts(pooling, 12)).isEqualTo(1);
    }

    private static int parts(Operation pooling, int heightPx) {
        try (PointerScope scope = new PointerScope();
                Graph graph = graph(pooling);
                FusedLayers layers = FusedLayers.of(graph, 1, heightPx, WIDTH_PX);
                OneDnnWeights weights = new OneDnnWeights();
                OneDnnPlan plan = plan(layers, 2, weights)) {
            List<OneDnnPlan.Step> steps = plan.layers().get(1); // of the pooling
            return steps.get(steps.size() - 1).parts().size();
        }
    }

    /** Returns the plan for one image in float32, owned. */
    static OneDnnPlan plan(FusedLayers layers, int parts, OneDnnWeights weights) {
        return new OneDnnPlan(
                layers.nodes(),
                layers.shapes(),
                1,
                parts,
                data_type.f32,
                null,
                weights,
                OneDnnAutotuner.withoutMeasuring());
    }
}
