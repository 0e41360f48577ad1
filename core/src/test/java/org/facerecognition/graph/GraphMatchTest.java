package org.facerecognition.graph;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.facerecognition.backbone.Backbone;
import org.facerecognition.backbone.BackboneOptions;
import org.facerecognition.backbone.Encoder;
import org.facerecognition.backbone.EncodersToTest;
import org.facerecognition.graph.Operation.Activation;
import org.facerecognition.graph.Operation.BatchNorm;
import org.facerecognition.graph.Operation.Convolution;
import org.facerecognition.graph.Operation.PRelu;
import org.facerecognition.inference.CalmNets;
import org.facerecognition.inference.PreparedNet;
import org.facerecognition.natives.Libtorch;
import org.facerecognition.natives.TensorRows;
import org.facerecognition.weights.NamedTensors;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class GraphMatchTest {
    private static final int SIZE_PX = CalmNets.SIZE_PX;

    @BeforeAll
    static void loadNatives() {
        Libtorch.load();
    }

    private static Backbone random(Encoder encoder, int embeddingSize) {
        torch.manual_seed(99);
        Backbone net = encoder.create(
                encoder.lastLayerName(), List.of(embeddingSize), new BackboneOptions(SIZE_PX, false, 0.4));
        net.eval();
        net.setChannelsLast(true);
        return net;
    }

    private static int copy(Graph net, Graph other) {
        return GraphMatch.of(net, other, Map.of()).copy();
    }

    private static double difference(Backbone a, Backbone b) {
        try (PointerScope scope = new PointerScope();
                NoGradGuard noGrad = new NoGradGuard()) {
            Tensor images = torch.rand(2, 3, SIZE_PX, SIZE_PX);
            Tensor expected = a.forward(images);
            return b.forward(images).sub(expected).abs().max().item_double()
                    / expected.abs().max().item_double();
        }
    }

    @ParameterizedTest
    @EncodersToTest
    void givesTheWeightsOfFoldedGraphsBack(Encoder encoder) {
        try (Backbone trained = CalmNets.make(encoder, 16);
                Backbone fresh = random(encoder, 16);
                Graph original = trained.graph();
                Graph folded = BatchNormFolding.fold(original);
                Graph target = fresh.graph()) {
            assertThat(difference(trained, fresh)).isGreaterThan(0.1);
            assertThat(copy(target, folded)).isGreaterThan(20);
            assertThat(difference(trained, fresh)).isLessThan(1e-4);
        }
    }

    @ParameterizedTest
    @EncodersToTest
    void givesTheSameWeightsBackWhereNothingIsFolded(Encoder encoder) {
        try (Backbone trained = CalmNets.make(encoder, 16);
                Backbone fresh = random(encoder, 16);
                Graph original = trained.graph();
                Graph target = fresh.graph();
                PointerScope scope = new PointerScope()) {
            GraphMatch match = GraphMatch.of(target, original, Map.of());
            assertThat(match.withoutStatistics()).isEmpty();
            int copied = match.copy();
            Map<String, Tensor> expected = NamedTensors.of(trained);
            NamedTensors.of(fresh).forEach((name, tensor) -> {
                if (!name.endsWith("num_batches_tracked")) {
                    assertThat(tensor.equal(expected.get(name))).as(name).isTrue();
                }
            });
            assertThat(expected.keySet().stream().filter(name -> !name.endsWith("num_batches_tracked")))
                    .hasSize(copied);
        }
    }

    @Test
    void computesTheSameWithOtherStatistics() {
        try (Backbone trained = CalmNets.make(Encoder.IRESNET18, 16);
                Backbone fresh = random(Encoder.IRESNET18, 16);
                Graph original = trained.graph();
                Graph folded = BatchNormFolding.fold(original);
                Graph target = fresh.graph()) {
            GraphMatch match = GraphMatch.of(target, folded, Map.of());
            Set<Integer> without = match.withoutStatistics();
            assertThat(without).hasSizeGreaterThan(15);
            match.copy();
            for (int node : without) {
                BatchNorm norm = (BatchNorm) target.nodes().get(node).operation();
                float[] mean = new float[(int) norm.mean().count()];
                float[] variance = new float[mean.length];
                Arrays.fill(mean, 0.3f);
                Arrays.fill(variance, 1.7f);
                GraphMatch.normalizeBy(target, node, mean, variance);
                assertThat(norm.mean().values()).containsExactly(mean);
                assertThat(norm.variance().values()).containsExactly(variance);
            }
            assertThat(difference(trained, fresh)).isLessThan(1e-4);
        }
    }

    // ---- networks of a few layers ----

    /** Returns numbers from 0.5 to 1.5 that depend on the seed. */
    private static Constant numbers(int seed, long... shape) {
        Random random = new Random(seed);
        float[] values = new float[(int) Arrays.stream(shape).reduce(1, (a, b) -> a * b)];
        for (int i = 0; i < values.length; i++) {
            values[i] = 0.5f + random.nextFloat();
        }
        return Constant.of(values, shape);
    }

    private static Tensor tensor(long... shape) {
        return torch.zeros(shape);
    }

    private static BatchNorm norm(int seed, double epsilon) {
        return new BatchNorm(
                numbers(seed, 4), numbers(seed + 1, 4), numbers(seed + 2, 4), numbers(seed + 3, 4), epsilon);
    }

    private static Graph graph(Operation... operations) {
        return Graph.of((builder, images) -> {
            Value x = images;
            for (Operation operation : operations) {
                x = builder.add(operation, x);
            }
            return x;
        });
    }

    /** A convolution without bias and a normalization without scale and shift of its own, in groups of one channel. */
    private static Graph withoutScale(Tensor weight, Tensor mean, Tensor variance) {
        float[] ones = {1, 1, 1, 1};
        return graph(
                new Convolution(Constant.of(weight), null, 1, 0, 1),
                new BatchNorm(
                        Constant.of(mean),
                        Constant.of(variance),
                        Constant.of(ones, 4),
                        Constant.of(new float[4], 4),
                        1e-5));
    }

    private static float[] run(Graph graph) {
        try (PointerScope scope = new PointerScope();
                PreparedNet net = PreparedNet.of(
                        Graph.of((builder, images) -> {
                            Value x = images;
                            for (int i = 1; i < graph.nodes().size(); i++) {
                                x = builder.add(graph.nodes().get(i).operation(), x);
                            }
                            return builder.flatten(x);
                        }),
                        1,
                        2,
                        ScalarType.Float,
                        new Device("cpu"))) {
            Tensor rows = net.forward(
                    torch.linspace(new Scalar(-1), new Scalar(1), 12).reshape(1, 3, 2, 2));
            return TensorRows.of(rows)[0];
        }
    }

    private static void assertComputesTheSame(Graph net, Graph file) {
        copy(net, file);
        float[] expected = run(file);
        float[] found = run(net);
        for (int i = 0; i < expected.length; i++) {
            assertThat(found[i]).isCloseTo(expected[i], within(1e-4f));
        }
    }

    @Test
    void normalizationsWithoutScaleTakeItIntoTheirStatistics() {
        try (PointerScope scope = new PointerScope();
                Graph net = withoutScale(tensor(4, 3, 1, 1), tensor(4), tensor(4));
                Graph apart = graph(new Convolution(numbers(1, 4, 3, 1, 1), null, 1, 0, 1), norm(2, 1e-3));
                Graph withBias = graph(new Convolution(numbers(1, 4, 3, 1, 1), numbers(6, 4), 1, 0, 1), norm(2, 1e-3));
                Graph folded = BatchNormFolding.fold(apart)) {
            assertComputesTheSame(net, apart);
            assertComputesTheSame(net, withBias);
            assertComputesTheSame(net, folded);
        }
    }

    @Test
    void refusesAScaleThatNoStatisticsMakeUpForAndChangesNothing() {
        try (PointerScope scope = new PointerScope()) {
            Tensor weight = tensor(4, 3, 1, 1);
            BatchNorm negative = new BatchNorm(
                    numbers(1, 4), numbers(2, 4), Constant.of(new float[] {1, 1, -1, 1}, 4), numbers(3, 4), 1e-5);
            try (Graph net = withoutScale(weight, tensor(4), tensor(4));
                    Graph file = graph(new Convolution(numbers(1, 4, 3, 1, 1), null, 1, 0, 1), negative)) {
                assertThatThrownBy(() -> copy(net, file))
                        .hasMessage("a batch normalization of 4 in the network has no scale of its own and cannot take"
                                + " the one in the file, -1.0");
                assertThat(weight.abs().max().item_double()).isZero();
            }
        }
    }

    @Test
    void takesNormalizationsIntoLayersOfTheNetworkThatHaveABias() {
        try (PointerScope scope = new PointerScope();
                Graph net = graph(new Convolution(Constant.of(tensor(4, 3, 1, 1)), Constant.of(tensor(4)), 1, 0, 1));
                Graph file = graph(new Convolution(numbers(1, 4, 3, 1, 1), null, 1, 0, 1), norm(2, 1e-3))) {
            assertComputesTheSame(net, file);
        }
    }

    @Test
    void refusesABiasThatTheNetworkHasNoPlaceFor() {
        try (PointerScope scope = new PointerScope();
                Graph net = graph(new Convolution(Constant.of(tensor(4, 3, 1, 1)), null, 1, 0, 1), Activation.RELU);
                Graph zeros = graph(
                        new Convolution(numbers(1, 4, 3, 1, 1), Constant.of(new float[4], 4), 1, 0, 1),
                        Activation.RELU);
                Graph file = graph(new Convolution(numbers(1, 4, 3, 1, 1), numbers(2, 4), 1, 0, 1), Activation.RELU)) {
            assertComputesTheSame(net, zeros);
            Map<Operation, String> names = new IdentityHashMap<>();
            names.put(file.nodes().get(1).operation(), "node conv7 (Conv)");
            assertThatThrownBy(() -> GraphMatch.of(net, file, names))
                    .hasMessageContaining("where the file has a convolution [4, 3, 1, 1], stride 1, ")
                    .hasMessageEndingWith(", with a bias (node conv7 (Conv))");
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 4})
    void givesSlopesToAllChannelsWhereTheFileHasOne(int slopes) {
        try (PointerScope scope = new PointerScope();
                Graph net = graph(
                        new Convolution(Constant.of(tensor(4, 3, 1, 1)), null, 1, 0, 1),
                        new PRelu(Constant.of(tensor(4))));
                Graph file =
                        graph(new Convolution(numbers(1, 4, 3, 1, 1), null, 1, 0, 1), new PRelu(numbers(3, slopes)))) {
            assertComputesTheSame(net, file);
        }
    }

    @Test
    void refusesATensorThatSeveralLayersShareWhereTheFileHasDifferentOnes() {
        try (PointerScope scope = new PointerScope()) {
            Tensor shared = tensor(3, 3, 1, 1);
            Convolution layer = new Convolution(Constant.of(shared), null, 1, 0, 1);
            Convolution same = new Convolution(numbers(1, 3, 3, 1, 1), null, 1, 0, 1);
            Convolution different = new Convolution(numbers(2, 3, 3, 1, 1), null, 1, 0, 1);
            try (Graph net = graph(layer, layer);
                    Graph fits = graph(same, same);
                    Graph file = graph(same, different)) {
                assertComputesTheSame(net, fits);
                assertThatThrownBy(() -> copy(net, file))
                        .hasMessageContaining("uses one tensor of the shape [3, 3, 1, 1] in several layers");
                assertThat(shared.equal(same.weight().tensor())).isTrue();
            }
        }
    }

    /** The normalization cannot be the place of a bias that the other user of the convolution needs too. */
    @Test
    void keepsConvolutionsApartThatAreUsedTwice() {
        try (PointerScope scope = new PointerScope();
                Graph net = twice(
                        new Convolution(Constant.of(tensor(4, 3, 1, 1)), null, 1, 0, 1),
                        new BatchNorm(
                                Constant.of(tensor(4)),
                                Constant.of(tensor(4)),
                                Constant.of(tensor(4)),
                                Constant.of(tensor(4)),
                                0));
                Graph file = graph(new Convolution(numbers(1, 4, 3, 1, 1), numbers(2, 4), 1, 0, 1));
                Graph sum = Graph.of((builder, images) -> {
                    Value x = builder.add(file.nodes().get(1).operation(), images);
                    return builder.plus(x, x);
                })) {
            assertThatThrownBy(() -> copy(net, sum)).isInstanceOf(IllegalArgumentException.class);
        }
    }

    private static Graph twice(Convolution convolution, BatchNorm norm) {
        return Graph.of((builder, images) -> {
            Value x = builder.add(convolution, images);
            return builder.plus(builder.add(norm, x), x);
        });
    }

    @Test
    void namesTheFirstLayersThatDifferAndChangesNothing() {
        try (Backbone trained = CalmNets.make(Encoder.RESNET18, 16);
                Backbone same = random(Encoder.IRESNET18, 16);
                Backbone fresh = random(Encoder.IRESNET18, 16);
                Graph original = trained.graph();
                Graph target = fresh.graph()) {
            assertThatThrownBy(() -> copy(target, original))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageStartingWith("after ")
                    .hasMessageContaining(" layers that agree, counted from the end, the network has ")
                    .hasMessageContaining(" where the file has ");
            assertThat(difference(same, fresh)).isZero();
        }
    }

    /** Both orders of each addition used to be tried down to the images: 2^45 times. */
    @Test
    @Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    void doesNotTryEveryOrderOfManyAdditionsOfTheSame() {
        Graph net = Graph.of((builder, images) -> {
            Value value = builder.add(Activation.RELU, images);
            for (int i = 0; i < 45; i++) {
                value = builder.add(new Operation.Add(), builder.add(Activation.SIGMOID, value), value);
            }
            return value;
        });
        Graph other = Graph.of((builder, images) -> {
            Value value = builder.add(Activation.SILU, images);
            for (int i = 0; i < 45; i++) {
                value = builder.add(
                        new Operation.Add(),
                        builder.add(Activation.SIGMOID, value),
                        builder.add(Activation.SIGMOID, value));
            }
            return value;
        });
        assertThatThrownBy(() -> GraphMatch.of(net, other, Map.of())).isInstanceOf(IllegalArgumentException.class);
    }
}
