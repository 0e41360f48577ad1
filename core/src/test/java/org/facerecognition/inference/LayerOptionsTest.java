package org.facerecognition.inference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.function.BiFunction;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.BatchNorm1dImpl;
import org.bytedeco.pytorch.BatchNorm2dImpl;
import org.bytedeco.pytorch.BatchNormOptions;
import org.bytedeco.pytorch.Conv2dImpl;
import org.bytedeco.pytorch.Conv2dOptions;
import org.bytedeco.pytorch.ConvPaddingMode;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.LinearImpl;
import org.bytedeco.pytorch.LinearOptions;
import org.bytedeco.pytorch.MaxPool2dImpl;
import org.bytedeco.pytorch.MaxPool2dOptions;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.PReLUImpl;
import org.bytedeco.pytorch.PReLUOptions;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.bytedeco.pytorch.kCircular;
import org.bytedeco.pytorch.kReflect;
import org.bytedeco.pytorch.kReplicate;
import org.bytedeco.pytorch.kSame;
import org.bytedeco.pytorch.kValid;
import org.facerecognition.graph.Constant;
import org.facerecognition.graph.Graph;
import org.facerecognition.graph.GraphBuilder;
import org.facerecognition.graph.Operation;
import org.facerecognition.graph.Value;
import org.facerecognition.natives.Libtorch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every option of every layer that a network can record: either the prepared layer computes what the layer computes, or
 * the option is rejected. An earlier version ignored padding modes, the dilation of pooling and {@code ceil_mode}, and
 * embeddings of such networks were wrong by up to 4 percent.
 */
class LayerOptionsTest {
    private static final int SIZE_PX = 13;
    private static final Device CPU = new Device("cpu");

    private PointerScope scope;
    private NoGradGuard noGrad;

    @BeforeAll
    static void loadNatives() {
        Libtorch.load();
    }

    @BeforeEach
    void openScope() {
        scope = new PointerScope();
        noGrad = new NoGradGuard();
        torch.manual_seed(3);
    }

    @AfterEach
    void closeScope() {
        noGrad.close();
        scope.close();
    }

    private static Conv2dImpl convolution(int in, int out, Consumer<Conv2dOptions> change, long... kernel) {
        Conv2dOptions options = new Conv2dOptions(in, out, new LongPointer(kernel));
        change.accept(options);
        return new Conv2dImpl(options);
    }

    private static MaxPool2dImpl pool(Consumer<MaxPool2dOptions> change, long... kernel) {
        MaxPool2dOptions options = new MaxPool2dOptions(new LongPointer(kernel));
        change.accept(options);
        return new MaxPool2dImpl(options);
    }

    private static BatchNormOptions norm(int features, Consumer<BatchNormOptions> change) {
        BatchNormOptions options = new BatchNormOptions(features);
        change.accept(options);
        return options;
    }

    private static PReLUImpl prelu(int parameters) {
        PReLUOptions options = new PReLUOptions();
        options.num_parameters().put(parameters);
        PReLUImpl prelu = new PReLUImpl(options);
        prelu.weight().copy_(torch.rand(parameters));
        return prelu;
    }

    /** A layer and the method that records it. */
    private record Layer(UnaryOperator<Tensor> forward, BiFunction<GraphBuilder, Value, Value> describe) {
        static Layer of(Conv2dImpl layer) {
            return new Layer(layer::forward, (graph, x) -> graph.convolution(layer, x));
        }

        static Layer of(MaxPool2dImpl layer) {
            return new Layer(layer::forward, (graph, x) -> graph.maxPool(layer, x));
        }

        static Layer of(BatchNorm2dImpl layer) {
            layer.eval();
            layer.running_mean().copy_(torch.randn(layer.running_mean().numel()));
            layer.running_var().copy_(torch.rand(layer.running_var().numel()));
            return new Layer(layer::forward, (graph, x) -> graph.batchNorm(layer, x));
        }

        static Layer of(PReLUImpl layer) {
            return new Layer(layer::forward, (graph, x) -> graph.prelu(layer, x));
        }

        Layer then(Layer next) {
            return new Layer(
                    x -> next.forward.apply(forward.apply(x)),
                    (graph, x) -> next.describe.apply(graph, describe.apply(graph, x)));
        }

        /** Returns this layer followed by flattening to rows, [B, D]. */
        Layer rows() {
            return new Layer(
                    x -> torch.flatten(forward.apply(x), 1, -1), (graph, x) -> graph.flatten(describe.apply(graph, x)));
        }
    }

    private static Layer rowsThrough(LinearImpl linear, BatchNorm1dImpl norm, PReLUImpl prelu) {
        norm.eval();
        Layer first = Layer.of(convolution(3, 4, o -> {}, 3, 3)).rows();
        return new Layer(
                x -> prelu.forward(norm.forward(linear.forward(first.forward.apply(x)))),
                (graph, x) -> graph.prelu(
                        prelu, graph.batchNorm(norm, graph.linear(linear, first.describe.apply(graph, x)))));
    }

    private static LinearImpl linear(boolean bias) {
        LinearOptions options = new LinearOptions(4 * 11 * 11, 6);
        options.bias().put(bias);
        return new LinearImpl(options);
    }

    /** Creates a layer in the scope of the test that uses it. */
    private interface Factory {
        Layer create();
    }

    private static Arguments layer(String name, Factory factory) {
        return Arguments.of(Named.of(name, factory));
    }

    static Stream<Arguments> supported() {
        return Stream.of(
                layer("convolution", () -> Layer.of(convolution(3, 8, o -> {}, 3, 3))),
                layer(
                        "without bias",
                        () -> Layer.of(convolution(3, 8, o -> o.bias().put(false), 3, 3))),
                layer("stride", () -> Layer.of(convolution(3, 8, o -> both(o.stride(), 2, 2), 3, 3))),
                layer("padding", () -> Layer.of(convolution(3, 8, o -> padding(o, 2), 3, 3))),
                layer(
                        "padding \"same\"",
                        () -> Layer.of(convolution(3, 8, o -> o.padding().put(new kSame()), 5, 5))),
                layer(
                        "padding \"valid\"",
                        () -> Layer.of(convolution(3, 8, o -> o.padding().put(new kValid()), 5, 5))),
                layer("groups", () -> Layer.of(convolution(3, 6, o -> o.groups().put(3), 3, 3))),
                layer("even kernel", () -> Layer.of(convolution(3, 8, o -> padding(o, 1), 2, 2))),
                layer("non-square kernel", () -> Layer.of(convolution(3, 8, o -> padding(o, 1), 3, 5))),
                layer("max pooling", () -> Layer.of(pool(o -> {}, 3, 3))),
                layer(
                        "max pooling with stride and padding",
                        () -> Layer.of(pool(
                                o -> {
                                    both(o.stride(), 2, 2);
                                    both(o.padding(), 1, 1);
                                },
                                3,
                                3))),
                layer("batch normalization", () -> Layer.of(new BatchNorm2dImpl(norm(3, o -> {})))),
                layer(
                        "batch normalization with another epsilon",
                        () -> Layer.of(new BatchNorm2dImpl(norm(3, o -> o.eps().put(0.5))))),
                layer(
                        "batch normalization without weights",
                        () -> Layer.of(
                                new BatchNorm2dImpl(norm(3, o -> o.affine().put(false))))),
                layer(
                        "convolution and batch normalization without weights",
                        () -> Layer.of(convolution(3, 8, o -> {}, 3, 3))
                                .then(Layer.of(new BatchNorm2dImpl(
                                        norm(8, o -> o.affine().put(false)))))),
                layer("PReLU with one slope", () -> Layer.of(prelu(1))),
                layer("PReLU with a slope per channel", () -> Layer.of(prelu(3))),
                layer(
                        "convolution and PReLU",
                        () -> Layer.of(convolution(3, 8, o -> {}, 3, 3)).then(Layer.of(prelu(8)))),
                layer(
                        "linear, batch normalization and PReLU",
                        () -> rowsThrough(linear(true), new BatchNorm1dImpl(norm(6, o -> {})), prelu(6))),
                layer(
                        "linear, batch normalization and PReLU without bias and weights",
                        () -> rowsThrough(
                                linear(false),
                                new BatchNorm1dImpl(norm(6, o -> o.affine().put(false))),
                                prelu(1))));
    }

    private static void both(LongPointer pair, long first, long second) {
        pair.put(0, first).put(1, second);
    }

    private static void padding(Conv2dOptions options, long padding) {
        options.padding().put(new LongPointer(padding, padding));
    }

    @ParameterizedTest
    @MethodSource("supported")
    void preparedLayerComputesWhatTheLayerComputes(Factory factory) {
        Layer layer = factory.create();
        Layer rows = layer.forward.apply(torch.randn(1, 3, SIZE_PX, SIZE_PX)).dim() == 2 ? layer : layer.rows();
        try (Graph graph = Graph.of(rows.describe);
                PreparedNet prepared = PreparedNet.of(graph, 2, SIZE_PX, ScalarType.Float, CPU);
                PreparedNet aten = PreparedNet.withoutOneDnn(graph, 2, SIZE_PX, ScalarType.Float)) {
            Tensor images = torch.randn(3, 3, SIZE_PX, SIZE_PX);
            Tensor expected = rows.forward.apply(images);
            assertThat(prepared.forward(images).sub(expected).abs().max().item_double())
                    .isLessThan(1e-5);
            assertThat(aten.forward(images).sub(expected).abs().max().item_double())
                    .isLessThan(1e-5);
        }
    }

    private static Arguments rejected(String message, Factory factory) {
        return Arguments.of(Named.of(message, factory), message);
    }

    static Stream<Arguments> unsupported() {
        String modes = "padding mode of a convolution must be zeros .* but was reflect, replicate or circular";
        return Stream.of(
                rejected(modes, () -> Layer.of(convolution(3, 8, o -> mode(o).put(new kReflect()), 3, 3))),
                rejected(modes, () -> Layer.of(convolution(3, 8, o -> mode(o).put(new kReplicate()), 3, 3))),
                rejected(modes, () -> Layer.of(convolution(3, 8, o -> mode(o).put(new kCircular()), 3, 3))),
                rejected(
                        "dilation of a convolution must be 1 .* but was 2x2",
                        () -> Layer.of(convolution(3, 8, o -> both(o.dilation(), 2, 2), 3, 3))),
                rejected(
                        "stride of a convolution must be the same in both directions .* but was 1x2",
                        () -> Layer.of(convolution(3, 8, o -> both(o.stride(), 1, 2), 3, 3))),
                rejected(
                        "padding of a convolution must be the same in both directions .* but was 0x1",
                        () -> Layer.of(convolution(3, 8, o -> o.padding().put(new LongPointer(0, 1)), 1, 3))),
                rejected(
                        "kernel of a convolution with padding \"same\" must be odd .* but was 4",
                        () -> Layer.of(convolution(3, 8, o -> o.padding().put(new kSame()), 4, 4))),
                rejected(
                        "kernel of a convolution with padding \"same\" must be the same .* but was 3x5",
                        () -> Layer.of(convolution(3, 8, o -> o.padding().put(new kSame()), 3, 5))),
                rejected(
                        "ceil_mode of a max pooling must be false .* but was true",
                        () -> Layer.of(pool(o -> o.ceil_mode().put(true), 2, 2))),
                rejected(
                        "dilation of a max pooling must be 1 .* but was 2x2",
                        () -> Layer.of(pool(o -> both(o.dilation(), 2, 2), 2, 2))),
                rejected(
                        "kernel of a max pooling must be the same in both directions .* but was 2x3",
                        () -> Layer.of(pool(o -> {}, 2, 3))),
                rejected("batch normalization must track running statistics .* but was one without", () -> {
                    var layer = new BatchNorm2dImpl(
                            norm(3, o -> o.track_running_stats().put(false)));
                    return new Layer(layer::forward, (graph, x) -> graph.batchNorm(layer, x));
                }));
    }

    private static ConvPaddingMode mode(Conv2dOptions options) {
        padding(options, 1);
        return options.padding_mode();
    }

    @ParameterizedTest
    @MethodSource("unsupported")
    void rejectsOptionsThatAGraphCannotExpress(Factory factory, String message) {
        Layer layer = factory.create();
        assertThatThrownBy(() -> Graph.of(layer.rows().describe))
                .isInstanceOf(UnsupportedOperationException.class)
                .hasMessageMatching(message + "; use the unprepared network");
    }

    /** Without this check, oneDNN would read beyond the end of the smaller value. */
    @Test
    void rejectsLayersThatDoNotFitEachOther() {
        var first = convolution(3, 8, o -> {}, 3, 3);
        var other = convolution(5, 8, o -> {}, 3, 3);
        var linear = new LinearImpl(7, 2);
        assertMisfit(
                (g, x) -> g.flatten(g.convolution(other, g.convolution(first, x))),
                "Convolution was given [8, 11, 11]");
        assertMisfit((g, x) -> g.linear(linear, g.flatten(x)), "Linear was given [507]");
        assertMisfit((g, x) -> g.linear(linear, x), "Linear was given [3, 13, 13]");
        assertMisfit(
                (g, x) -> g.flatten(g.plus(g.convolution(first, x), x)), "Add was given [8, 11, 11] and [3, 13, 13]");
        assertMisfit(
                (g, x) -> g.flatten(g.scale(x, g.convolution(first, x))),
                "Scale was given [3, 13, 13] and [8, 11, 11]");
        assertMisfit(
                (g, x) -> g.flatten(g.add(new Operation.PRelu(Constant.of(torch.ones(5))), x)),
                "PRelu was given [3, 13, 13]");
        assertMisfit((g, x) -> g.flatten(g.add(new Operation.MaxPool(20, 1, 0), x)), "MaxPool was given [3, 13, 13]");
    }

    private static void assertMisfit(BiFunction<GraphBuilder, Value, Value> description, String message) {
        try (Graph graph = Graph.of(description)) {
            assertThatThrownBy(() -> PreparedNet.of(graph, 1, SIZE_PX, ScalarType.Float, CPU))
                    .isInstanceOf(UnsupportedOperationException.class)
                    .hasMessage("a net to be prepared must describe layers that fit each other, but " + message
                            + "; describe what forward does");
        }
    }
}
