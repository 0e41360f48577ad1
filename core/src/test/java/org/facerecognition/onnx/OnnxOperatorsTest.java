package org.facerecognition.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.facerecognition.export.OnnxModelWriter.FREE;
import static org.facerecognition.export.OnnxModelWriter.attribute;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.IdentityHashMap;
import java.util.Map;
import java.util.Random;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.facerecognition.export.OnnxModelWriter;
import org.facerecognition.export.OnnxModelWriter.Attribute;
import org.facerecognition.graph.Graph;
import org.facerecognition.graph.Operation.L2Normalize;
import org.facerecognition.inference.EngineRuns;
import org.facerecognition.weights.WeightsException;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Models of a few nodes: both engines must compute what ONNX Runtime computes. */
class OnnxOperatorsTest {
    private static final int SIZE_PX = 13;
    private static final int CHANNELS = 8;

    @TempDir
    private Path folder;

    private static Random random = new Random(1);

    private static float[] random(long... shape) {
        return random(random, shape);
    }

    private static float[] random(Random from, long... shape) {
        float[] values = new float[Math.toIntExact(Arrays.stream(shape).reduce(1, (a, b) -> a * b))];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) from.nextGaussian() / 2;
        }
        return values;
    }

    private static OnnxModelWriter images(long opset) {
        return new OnnxModelWriter(opset)
                .input("images", FREE, 3, SIZE_PX, SIZE_PX)
                .output("y", FREE, FREE);
    }

    /** A model that applies something to eight channels, {@code x}, and gives {@code y}. */
    private static Named<OnnxModelWriter> onChannels(String name, Consumer<OnnxModelWriter> nodes) {
        return onChannels(name, 17, nodes);
    }

    private static Named<OnnxModelWriter> onChannels(String name, long opset, Consumer<OnnxModelWriter> nodes) {
        OnnxModelWriter model = images(opset)
                .floats("first", random(CHANNELS * 3), CHANNELS, 3, 1, 1)
                .node("Conv", "images first -> x");
        nodes.accept(model);
        return Named.of(name, model);
    }

    /** As {@link #onChannels}, with the result, images {@code z}, flattened. */
    private static Named<OnnxModelWriter> toImages(String name, Consumer<OnnxModelWriter> nodes) {
        return toImages(name, 17, nodes);
    }

    private static Named<OnnxModelWriter> toImages(String name, long opset, Consumer<OnnxModelWriter> nodes) {
        return onChannels(name, opset, model -> {
            nodes.accept(model);
            model.node("Flatten", "z -> y");
        });
    }

    private static Named<OnnxModelWriter> convolution(
            String name, int groups, int height, int width, Attribute... settings) {
        Attribute[] all = Arrays.copyOf(settings, settings.length + 1);
        all[settings.length] = attribute("group", groups);
        return toImages(
                "Conv " + name,
                model -> model.floats(
                                "w",
                                random(16 * CHANNELS / groups * height * width),
                                16,
                                CHANNELS / groups,
                                height,
                                width)
                        .floats("b", random(16), 16)
                        .node("Conv", "x w b -> z", all));
    }

    private static Attribute numbers(String name, long... values) {
        return attribute(name, values);
    }

    static Stream<Named<OnnxModelWriter>> convolutions() {
        return Stream.of(
                convolution("3x3", 1, 3, 3, numbers("pads", 1, 1, 1, 1)),
                convolution("asymmetric pads", 1, 3, 3, numbers("pads", 0, 1, 2, 0)),
                convolution("oblong stride", 1, 3, 3, numbers("strides", 2, 1), numbers("pads", 1, 1, 1, 1)),
                convolution("oblong kernel", 1, 1, 5, numbers("pads", 0, 2, 0, 2)),
                convolution("dilated", 1, 3, 3, numbers("dilations", 2, 3), numbers("pads", 2, 3, 2, 3)),
                convolution("in groups", 4, 3, 3, numbers("pads", 1, 1, 1, 1), numbers("strides", 2, 2)),
                convolution("depthwise", 8, 3, 3, numbers("pads", 1, 0, 0, 1)),
                convolution("same upper", 1, 4, 3, attribute("auto_pad", "SAME_UPPER"), numbers("strides", 2, 2)),
                convolution("same lower", 1, 4, 3, attribute("auto_pad", "SAME_LOWER"), numbers("strides", 2, 3)),
                convolution("valid", 1, 3, 3, attribute("auto_pad", "VALID")),
                toImages(
                        "Pad, Conv",
                        model -> model.integers("pads", 0, 0, 1, 2, 0, 0, 0, 1)
                                .floats("w", random(8 * 8 * 9), 8, 8, 3, 3)
                                .node("Pad", "x pads -> p")
                                .node("Conv", "p w -> z", numbers("pads", 1, 0, 0, 0))),
                toImages(
                        "Pad, Conv same upper",
                        model -> model.integers("pads", 0, 0, 1, 1, 0, 0, 0, 1)
                                .floats("w", random(8 * 8 * 9), 8, 8, 3, 3)
                                .node("Pad", "x pads -> p")
                                .node(
                                        "Conv",
                                        "p w -> z",
                                        attribute("auto_pad", "SAME_UPPER"),
                                        numbers("strides", 2, 2))),
                paddedByArithmetic(-Long.MAX_VALUE),
                paddedByArithmetic(Long.MIN_VALUE),
                toImages(
                        "Conv of half precision",
                        model -> model.written("w16", 10, halves(8 * 8), 8, 8, 1, 1)
                                .node("Cast", "w16 -> w", attribute("to", 1))
                                .node("Conv", "x w -> z")));
    }

    /** PyTorch's TorchScript exporter writes the paddings in its own order, and nodes that bring them in ONNX's. */
    private static Named<OnnxModelWriter> paddedByArithmetic(long end) {
        return toImages(
                "Pad by arithmetic to " + end + ", Conv",
                model -> model.integers("sides", 1, 2, 0, 1) // left, right, top, bottom
                        .integers("four", 4)
                        .node("ConstantOfShape", "four -> reals")
                        .node("Cast", "reals -> zeros", attribute("to", 7))
                        .node("Concat", "sides zeros -> all", attribute("axis", 0))
                        .integers("twos", -1, 2)
                        .node("Reshape", "all twos -> pairs")
                        .integers("-1", -1)
                        .integers("end", end)
                        .integers("axes", 0)
                        .node("Slice", "pairs -1 end axes -1 -> turned")
                        .node("Transpose", "turned -> t", numbers("perm", 1, 0))
                        .node("Reshape", "t -1 -> u")
                        .node("Cast", "u -> pads", attribute("to", 7))
                        .floats("w", random(8 * 8 * 9), 8, 8, 3, 3)
                        .node("Pad", "x pads -> p")
                        .node("Conv", "p w -> z"));
    }

    private static Named<OnnxModelWriter> slice(long[] constant, long start, long end, long step) {
        return onChannels(
                "Reshape by a slice from " + start + " to " + end + " by " + step,
                model -> model.integers("constant", constant)
                        .integers("start", start)
                        .integers("end", end)
                        .integers("step", step)
                        .node("Slice", "constant start end _ step -> to")
                        .node("Reshape", "x to -> y"));
    }

    private static long[] halves(int count) {
        long[] bits = new long[count];
        for (int i = 0; i < count; i++) {
            bits[i] = i == 0 ? 0x0003 : random.nextInt(2) << 15 | (8 + random.nextInt(7)) << 10 | random.nextInt(1024);
        }
        return bits;
    }

    /** @param sides zeros around the images: top, left, bottom, right */
    private static Named<OnnxModelWriter> padded(String before, long[] sides, String pooling, Attribute... settings) {
        return toImages(
                before + ", Pad " + Arrays.toString(sides) + ", " + pooling,
                model -> model.integers("pads", 0, 0, sides[0], sides[1], 0, 0, sides[2], sides[3])
                        .node(before, "x -> b")
                        .node("Pad", "b pads -> p")
                        .node(pooling, "p -> z", settings));
    }

    private static long[] sides(long top, long left, long bottom, long right) {
        return new long[] {top, left, bottom, right};
    }

    private static Attribute kernel(long height, long width) {
        return numbers("kernel_shape", height, width);
    }

    static Stream<Named<OnnxModelWriter>> poolings() {
        return Stream.of(
                toImages(
                        "MaxPool",
                        model -> model.node(
                                "MaxPool",
                                "x -> z",
                                numbers("kernel_shape", 3, 3),
                                numbers("strides", 2, 2),
                                numbers("pads", 1, 1, 1, 1))),
                toImages(
                        "MaxPool valid beside pads",
                        model -> model.node(
                                "MaxPool",
                                "x -> z",
                                numbers("kernel_shape", 3, 3),
                                numbers("pads", 1, 1, 1, 1),
                                attribute("auto_pad", "VALID"))),
                toImages(
                        "AveragePool same lower",
                        model -> model.node(
                                "AveragePool",
                                "x -> z",
                                numbers("kernel_shape", 3, 3),
                                numbers("strides", 2, 2),
                                attribute("auto_pad", "SAME_LOWER"))),
                toImages(
                        "MaxPool same upper",
                        model -> model.node(
                                "MaxPool",
                                "x -> z",
                                numbers("kernel_shape", 2, 2),
                                numbers("strides", 2, 2),
                                attribute("auto_pad", "SAME_UPPER"))),
                toImages(
                        "MaxPool oblong",
                        model -> model.node(
                                "MaxPool",
                                "x -> z",
                                numbers("kernel_shape", 2, 4),
                                numbers("strides", 2, 3),
                                numbers("pads", 0, 1, 1, 3))),
                toImages(
                        "MaxPool dilated",
                        model -> model.node(
                                "MaxPool", "x -> z", numbers("kernel_shape", 3, 2), numbers("dilations", 2, 3))),
                toImages(
                        "MaxPool rounded up",
                        model -> model.node(
                                "MaxPool",
                                "x -> z",
                                numbers("kernel_shape", 2, 2),
                                numbers("strides", 2, 2),
                                attribute("ceil_mode", 1))),
                toImages(
                        "MaxPool rounded up, 3x3",
                        model -> model.node(
                                "MaxPool",
                                "x -> z",
                                numbers("kernel_shape", 3, 3),
                                numbers("strides", 2, 2),
                                attribute("ceil_mode", 1))),
                toImages(
                        "AveragePool",
                        model -> model.node(
                                "AveragePool", "x -> z", numbers("kernel_shape", 2, 2), numbers("strides", 2, 2))),
                toImages(
                        "AveragePool, padding not counted",
                        model -> model.node(
                                "AveragePool", "x -> z", numbers("kernel_shape", 3, 3), numbers("pads", 1, 0, 2, 1))),
                toImages(
                        "AveragePool, padding counted",
                        model -> model.node(
                                "AveragePool",
                                "x -> z",
                                numbers("kernel_shape", 3, 3),
                                numbers("pads", 1, 0, 2, 1),
                                attribute("count_include_pad", 1))),
                padded("Relu", sides(1, 1, 1, 1), "MaxPool", kernel(3, 3), numbers("strides", 2, 2)),
                padded("Sigmoid", sides(0, 1, 2, 0), "MaxPool", kernel(3, 2), numbers("strides", 2, 1)),
                padded("Relu", sides(1, 0, 0, 0), "MaxPool", kernel(3, 3), numbers("pads", 0, 1, 1, 0)),
                toImages(
                        "AveragePool, padding counted, rounded up without a remainder",
                        model -> model.node(
                                "AveragePool",
                                "x -> z",
                                kernel(3, 3),
                                numbers("strides", 2, 2),
                                numbers("pads", 1, 1, 1, 1),
                                attribute("ceil_mode", 1),
                                attribute("count_include_pad", 1))),
                toImages(
                        "AveragePool, no padding counted, rounded up",
                        19,
                        model -> model.node(
                                "AveragePool",
                                "x -> z",
                                kernel(2, 2),
                                numbers("strides", 2, 2),
                                attribute("ceil_mode", 1),
                                attribute("count_include_pad", 1))),
                toImages("GlobalAveragePool", model -> model.node("GlobalAveragePool", "x -> z")),
                padded("Identity", sides(0, 0, 0, 0), "AveragePool", kernel(3, 3), numbers("strides", 2, 2)),
                padded("Identity", sides(0, 0, 0, 0), "Relu"),
                padded("Identity", sides(1, 1, 1, 1), "AveragePool", kernel(3, 3), numbers("strides", 2, 2)),
                padded("Identity", sides(0, 1, 2, 0), "AveragePool", kernel(3, 2), numbers("strides", 1, 2)),
                toImages("GlobalMaxPool", model -> model.node("GlobalMaxPool", "x -> z")),
                onChannels(
                        "ReduceMean",
                        model -> model.node("ReduceMean", "x -> y", numbers("axes", -2, -1), attribute("keepdims", 0))),
                toImages(
                        "ReduceMean 18",
                        18,
                        model -> model.integers("axes", 2, 3)
                                .node("ReduceMean", "x axes -> z", attribute("keepdims", 1))));
    }

    static Stream<Named<OnnxModelWriter>> pointwise() {
        return Stream.of(
                toImages("Relu", model -> model.node("Relu", "x -> z")),
                toImages("Sigmoid", model -> model.node("Sigmoid", "x -> z")),
                toImages("Tanh", model -> model.node("Tanh", "x -> z")),
                toImages("LeakyRelu", model -> model.node("LeakyRelu", "x -> z", attribute("alpha", 0.2))),
                toImages("LeakyRelu by default", model -> model.node("LeakyRelu", "x -> z")),
                toImages(
                        "Clip without a bound, which an omitted result does not give",
                        model -> model.floats("most", new float[] {0.5f})
                                .node("Unique", "x -> u _ _ counts")
                                .node("Clip", "x _ most -> z")),
                toImages("HardSigmoid", model -> model.node("HardSigmoid", "x -> z")),
                toImages(
                        "HardSigmoid as torch exports it",
                        model -> model.node("HardSigmoid", "x -> z", attribute("alpha", 1.0 / 6))),
                toImages("HardSwish", model -> model.node("HardSwish", "x -> z")),
                toImages(
                        "HardSwish as relu6",
                        model -> model.floats("3", new float[] {3})
                                .floats("0", new float[] {0})
                                .floats("6", new float[] {6})
                                .node("Add", "x 3 -> a")
                                .node("Clip", "a 0 6 -> c")
                                .node("Mul", "x c -> m")
                                .node("Div", "m 6 -> z")),
                toImages("SiLU", model -> model.node("Sigmoid", "x -> s").node("Mul", "s x -> z")),
                toImages("Mish", 18, model -> model.node("Mish", "x -> z")),
                toImages(
                        "Mish as softplus",
                        model -> model.node("Softplus", "x -> s")
                                .node("Tanh", "s -> t")
                                .node("Mul", "x t -> z")),
                toImages("Gelu", 20, model -> model.node("Gelu", "x -> z")),
                toImages(
                        "Gelu as erf",
                        model -> model.floats("root", new float[] {1.41421356f})
                                .floats("1", new float[] {1})
                                .floats("half", new float[] {0.5f})
                                .node("Div", "x root -> d")
                                .node("Erf", "d -> e")
                                .node("Add", "e 1 -> a")
                                .node("Mul", "x a -> m")
                                .node("Mul", "m half -> z")),
                toImages(
                        "Clip to 0 and 6",
                        model -> model.floats("least", new float[] {0})
                                .floats("most", new float[] {6})
                                .node("Clip", "x least most -> z")),
                toImages(
                        "Clip to other bounds",
                        model -> model.floats("least", new float[] {-0.25f})
                                .floats("most", new float[] {0.5f})
                                .node("Clip", "x least most -> z")),
                toImages(
                        "Clip to one bound",
                        model -> model.floats("most", new float[] {0.5f}).node("Clip", "x _ most -> z")),
                toImages(
                        "Clip by attributes",
                        9,
                        model -> model.node("Clip", "x -> z", attribute("min", -0.5), attribute("max", 1.0))),
                toImages(
                        "PRelu",
                        model -> model.floats("slopes", random(8), 8, 1, 1).node("PRelu", "x slopes -> z")),
                toImages(
                        "PRelu of one slope",
                        model -> model.floats("slopes", random(1), 1).node("PRelu", "x slopes -> z")),
                toImages(
                        "BatchNormalization",
                        model -> model.floats("s", random(8), 8)
                                .floats("b", random(8), 8)
                                .floats("m", random(8), 8)
                                .floats("v", new float[] {1, 2, 3, 4, 5, 0.1f, 0.2f, 0.3f}, 8)
                                .node("BatchNormalization", "x s b m v -> z", attribute("epsilon", 2e-5))),
                toImages(
                        "Max and Min",
                        model -> model.floats("least", new float[] {-0.1f})
                                .floats("most", new float[] {0.3f})
                                .node("Max", "x least -> l")
                                .node("Min", "l most -> z")));
    }

    static Stream<Named<OnnxModelWriter>> arithmetic() {
        return Stream.of(
                toImages(
                        "Add per channel",
                        model -> model.floats("c", random(8), 1, 8, 1, 1).node("Add", "x c -> z")),
                toImages("Add a number", model -> model.floats("c", random(1)).node("Add", "c x -> z")),
                toImages(
                        "Sub per channel",
                        model -> model.floats("c", random(8), 8, 1, 1).node("Sub", "x c -> z")),
                toImages(
                        "Sub from a number",
                        model -> model.floats("c", random(1)).node("Sub", "c x -> z")),
                toImages(
                        "Mul per channel",
                        model -> model.floats("c", random(8), 1, 8, 1, 1).node("Mul", "c x -> z")),
                toImages(
                        "Div per channel",
                        model -> model.floats("c", new float[] {1, 2, 3, 4, 5, 6, 7, 8}, 8, 1, 1)
                                .node("Div", "x c -> z")),
                toImages("Neg", model -> model.node("Neg", "x -> z")),
                toImages(
                        "Mul by constants that are cut to integers",
                        model -> model.floats("c", new float[] {2.7f, -1.5f, 3, 0.2f, -0.9f, 8, 5.99f, 1}, 8, 1, 1)
                                .node("Cast", "c -> cut", attribute("to", 6))
                                .node("Cast", "cut -> factors", attribute("to", 1))
                                .node("Mul", "x factors -> z")),
                toImages("Add of values", model -> model.node("Relu", "x -> r").node("Add", "r x -> z")),
                toImages("Sub of values", model -> model.node("Relu", "x -> r").node("Sub", "r x -> z")),
                toImages("Mul of values", model -> model.node("Relu", "x -> r").node("Mul", "r x -> z")),
                toImages(
                        "squeeze-and-excitation",
                        model -> model.floats("w", random(64), 8, 8)
                                .floats("b", random(8), 8)
                                .node("GlobalAveragePool", "x -> g")
                                .node("Flatten", "g -> f")
                                .node("Gemm", "f w b -> l", attribute("transB", 1))
                                .node("Sigmoid", "l -> s")
                                .integers("axes", 2, 3)
                                .node("Unsqueeze", "s axes -> u")
                                .node("Mul", "u x -> z")),
                toImages(
                        "several of them",
                        model -> model.floats("c", random(8), 1, 8, 1, 1)
                                .floats("d", random(1))
                                .node("Mul", "x c -> m")
                                .node("Add", "m d -> a")
                                .node("Sub", "a c -> z")));
    }

    private static Named<OnnxModelWriter> onRows(String name, long opset, Consumer<OnnxModelWriter> nodes) {
        return onChannels(name, opset, model -> {
            model.node("GlobalAveragePool", "x -> g").node("Flatten", "g -> rows");
            nodes.accept(model);
        });
    }

    private static OnnxModelWriter statistics(OnnxModelWriter model) {
        return model.floats("s", random(8), 8)
                .floats("b", random(8), 8)
                .floats("m", random(8), 8)
                .floats("v", new float[] {1, 2, 3, 4, 5, 0.1f, 0.2f, 0.3f}, 8);
    }

    /** Its exporter gave rows a third dimension for a batch normalization, as most faces' embeddings end. */
    private static void batchNorm1d(OnnxModelWriter model) {
        statistics(model)
                .floats("w", random(64), 8, 8)
                .node("Gemm", "rows w b -> product", attribute("transB", 1))
                .node("Unsqueeze", "product -> u", numbers("axes", 2))
                .node("BatchNormalization", "u s b m v -> n")
                .node("Squeeze", "n -> y", numbers("axes", 2));
    }

    static Stream<Named<OnnxModelWriter>> rows() {
        return Stream.of(
                onRows(
                        "Gemm",
                        17,
                        model -> model.floats("w", random(40), 8, 5)
                                .floats("b", random(5), 5)
                                .node("Gemm", "rows w b -> y", attribute("alpha", 0.5), attribute("beta", 2.0))),
                onRows(
                        "Gemm with one number",
                        17,
                        model -> model.floats("w", random(40), 5, 8)
                                .floats("b", random(1), 1)
                                .node("Gemm", "rows w b -> y", attribute("transB", 1))),
                onRows(
                        "MatMul and Add",
                        17,
                        model -> model.floats("w", random(40), 8, 5)
                                .floats("b", random(5), 5)
                                .node("MatMul", "rows w -> m")
                                .node("Add", "m b -> y")),
                onRows(
                        "BatchNormalization of rows",
                        17,
                        model -> model.floats("s", random(8), 8)
                                .floats("b", random(8), 8)
                                .floats("m", random(8), 8)
                                .floats("v", new float[] {1, 2, 3, 4, 5, 0.1f, 0.2f, 0.3f}, 8)
                                .node("BatchNormalization", "rows s b m v -> n")
                                .node("Relu", "n -> y")),
                onRows("BatchNorm1d of PyTorch 1.4", 9, OnnxOperatorsTest::batchNorm1d),
                onRows(
                        "PRelu, Mul and Add of rows with a dimension of 1",
                        9,
                        model -> model.floats("slopes", random(8), 8, 1)
                                .floats("factors", random(8), 8, 1)
                                .floats("terms", random(8), 1, 8, 1)
                                .node("Unsqueeze", "rows -> u", numbers("axes", 2))
                                .node("PRelu", "u slopes -> p")
                                .node("Mul", "p factors -> m")
                                .node("Add", "m terms -> a")
                                .node("Squeeze", "a -> y", numbers("axes", 2))),
                onChannels(
                        "BatchNormalization of columns of pixels",
                        model -> statistics(model)
                                .integers("columns", 0, 8, -1)
                                .node("Reshape", "x columns -> c")
                                .node("BatchNormalization", "c s b m v -> n")
                                .node("Flatten", "n -> y")),
                onRows(
                        "Constant of floats",
                        17,
                        model -> model.node("Constant", "-> c", attribute("value_floats", random(8)))
                                .node("Mul", "rows c -> y")),
                onRows(
                        "PRelu of rows",
                        17,
                        model -> model.floats("slopes", random(8), 8).node("PRelu", "rows slopes -> y")),
                onRows(
                        "transposed weights",
                        17,
                        model -> model.floats("w", random(40), 5, 8)
                                .node("Transpose", "w -> t", numbers("perm", 1, 0))
                                .node("MatMul", "rows t -> y")),
                onRows(
                        "Dropout and Identity",
                        12,
                        model -> model.node("Dropout", "rows -> d").node("Identity", "d -> y")),
                onRows("Dropout of old", 9, model -> model.node("Dropout", "rows -> y", attribute("ratio", 0.5))),
                onRows(
                        "Concat of rows",
                        17,
                        model -> model.node("Relu", "rows -> r")
                                .node("Concat", "rows r rows -> y", attribute("axis", 1))),
                onRows(
                        "LpNormalization",
                        17,
                        model -> model.node("LpNormalization", "rows -> n", attribute("axis", 1))
                                .node("Relu", "n -> y")),
                onChannels(
                        "LpNormalization of one pixel",
                        model -> model.node("GlobalAveragePool", "x -> g")
                                .node("LpNormalization", "g -> n", attribute("axis", 1))
                                .node("Flatten", "n -> y")),
                onChannels(
                        "division of one pixel by the norm",
                        model -> model.node("GlobalAveragePool", "x -> g")
                                .node("ReduceL2", "g -> l", numbers("axes", -3), attribute("keepdims", 1))
                                .node("Shape", "g -> s")
                                .node("Expand", "l s -> e")
                                .node("Div", "g e -> n")
                                .node("Flatten", "n -> y", attribute("axis", -3))),
                onRows(
                        "division by the norm",
                        17,
                        model -> model.node("ReduceL2", "rows -> l", numbers("axes", 1), attribute("keepdims", 1))
                                .floats("least", new float[] {1e-12f})
                                .node("Clip", "l least -> c")
                                .node("Shape", "rows -> s")
                                .node("Expand", "c s -> e")
                                .node("Div", "rows e -> n")
                                .node("Relu", "n -> y")));
    }

    static Stream<Named<OnnxModelWriter>> shapes() {
        return Stream.of(
                onChannels("Reshape", model -> model.integers("to", 0, -1).node("Reshape", "x to -> y")),
                toImages(
                        "Resize of operator set 10",
                        10,
                        model -> model.floats("scales", new float[] {1, 1, 2, 2}, 4)
                                .node("Resize", "x scales -> z", attribute("mode", "nearest"))),
                toImages(
                        "Split by an attribute",
                        11,
                        model -> model.node("Split", "x -> a b", attribute("axis", 1), numbers("split", 3, 5))
                                .node("Relu", "a -> r")
                                .node("Concat", "b r -> z", attribute("axis", 1))),
                toImages(
                        "Split into a number of parts",
                        18,
                        model -> model.node("Split", "x -> a b", attribute("axis", 1), attribute("num_outputs", 2))
                                .node("Concat", "b a -> z", attribute("axis", 1))),
                toImages(
                        "Pad by an attribute, Conv",
                        9,
                        model -> model.floats("w", random(8 * 8 * 9), 8, 8, 3, 3)
                                .node("Pad", "x -> p", numbers("pads", 0, 0, 1, 2, 0, 0, 0, 1))
                                .node("Conv", "p w -> z")),
                toImages(
                        "Resize by scales",
                        model -> model.floats("none", new float[0], 0)
                                .floats("scales", new float[] {1, 1, 3, 3}, 4)
                                .node(
                                        "Resize",
                                        "x none scales -> z",
                                        attribute("coordinate_transformation_mode", "asymmetric"),
                                        attribute("nearest_mode", "floor"))),
                toImages(
                        "Resize to sizes by the usual rule",
                        model -> model.floats("none", new float[0], 0)
                                .integers("zero", 0)
                                .integers("two", 2)
                                .integers("sides", 2 * SIZE_PX, 2 * SIZE_PX)
                                .node("Shape", "x -> shape")
                                .node("Slice", "shape zero two -> imagesAndChannels")
                                .node("Concat", "imagesAndChannels sides -> sizes", attribute("axis", 0))
                                .node("Resize", "x none none sizes -> z")),
                toImages(
                        "Upsample",
                        9,
                        model -> model.floats("scales", new float[] {1, 1, 2, 2}, 4)
                                .node("Upsample", "x scales -> z", attribute("mode", "nearest"))),
                toImages(
                        "Upsample of old",
                        7,
                        model -> model.node(
                                "Upsample", "x -> z", attribute("mode", "nearest"), attribute("scales", new float[] {
                                    1, 1, 3, 3
                                }))),
                onChannels(
                        "Reshape of a fixed size",
                        model -> model.integers("to", -1, 8 * SIZE_PX * SIZE_PX).node("Reshape", "x to -> y")),
                onChannels(
                        "Reshape by arithmetic",
                        model -> model.node("Shape", "x -> s")
                                .written("0", 7, new long[] {0})
                                .node("Gather", "s 0 -> b", attribute("axis", 0))
                                .integers("axes", 0)
                                .node("Unsqueeze", "b axes -> u")
                                .integers("-1", -1)
                                .node("Concat", "u -1 -> to", attribute("axis", 0))
                                .node("Reshape", "x to -> y")),
                onChannels(
                        "Reshape by a slice of the shape",
                        model -> model.node("Shape", "x -> s")
                                .integers("from", 0)
                                .integers("end", 1)
                                .node("Slice", "s from end -> b")
                                .integers("-1", -1)
                                .node("Concat", "b -1 -> to", attribute("axis", 0))
                                .node("Reshape", "x to -> y")),
                slice(new long[] {9, 0, 7, -1}, 1, Long.MAX_VALUE, 2),
                slice(new long[] {0, -1, 7}, -9, -1, 1),
                slice(new long[] {-1, 7, 0}, Long.MAX_VALUE, Long.MIN_VALUE, -2),
                slice(new long[] {7, -1, 0}, -1, -3, -1),
                slice(new long[] {7, -1, 8, 9, 0}, 9, 0, -3),
                onChannels(
                        "Reshape by a slice without axes and steps",
                        model -> model.integers("constant", 9, 0, -1)
                                .integers("start", 1)
                                .integers("end", 3)
                                .node("Slice", "constant start end _ _ -> to")
                                .node("Reshape", "x to -> y")),
                onChannels(
                        "Squeeze",
                        12,
                        model -> model.node("GlobalAveragePool", "x -> g")
                                .node("Squeeze", "g -> y", numbers("axes", 2, 3))),
                onChannels(
                        "Squeeze of all",
                        17,
                        model -> model.node("GlobalAveragePool", "x -> g")
                                .integers("axes", 3)
                                .node("Squeeze", "g axes -> h")
                                .integers("axis", -1)
                                .node("Squeeze", "h axis -> y")),
                toImages(
                        "Unsqueeze of old",
                        11,
                        model -> model.node("GlobalAveragePool", "x -> g")
                                .node("Flatten", "g -> f")
                                .node("Unsqueeze", "f -> u", numbers("axes", 2, 3))
                                .node("Mul", "x u -> z")),
                toImages(
                        "Concat",
                        model -> model.node("Relu", "x -> r").node("Concat", "x r -> z", attribute("axis", 1))),
                toImages(
                        "Concat of other channels",
                        model -> model.floats("w", random(8 * 5), 5, 8, 1, 1)
                                .node("Conv", "x w -> c")
                                .node("Relu", "x -> r")
                                .node("Concat", "c r x -> z", attribute("axis", -3))),
                toImages(
                        "Slice",
                        model -> model.integers("from", 3)
                                .integers("to", 8)
                                .integers("axes", 1)
                                .node("Slice", "x from to axes -> z")),
                toImages(
                        "Slice to the end",
                        model -> model.integers("from", -3)
                                .integers("to", Long.MAX_VALUE)
                                .integers("axes", 1)
                                .node("Slice", "x from to axes -> z")),
                toImages(
                        "Slice of old",
                        9,
                        model -> model.node(
                                "Slice", "x -> z", numbers("starts", 1), numbers("ends", 4), numbers("axes", 1))),
                toImages(
                        "Split",
                        model -> model.integers("sizes", 3, 5)
                                .node("Split", "x sizes -> a b", attribute("axis", 1))
                                .node("Relu", "b -> r")
                                .node("Concat", "r a -> z", attribute("axis", 1))),
                toImages(
                        "Split into equal parts",
                        11,
                        model -> model.node("Split", "x -> a b", attribute("axis", 1))
                                .node("Mul", "a b -> z")),
                toImages(
                        "channel shuffle",
                        model -> model.integers("grouped", -1, 4, 2, SIZE_PX, SIZE_PX)
                                .integers("whole", -1, 8, SIZE_PX, SIZE_PX)
                                .node("Reshape", "x grouped -> g")
                                .node("Transpose", "g -> t", numbers("perm", 0, 2, 1, 3, 4))
                                .node("Reshape", "t whole -> z")),
                toImages(
                        "channels last and back",
                        model -> model.node("Transpose", "x -> t", numbers("perm", 0, 2, 3, 1))
                                .floats("c", random(8), 8)
                                .node("Mul", "t c -> m")
                                .node("Relu", "m -> r")
                                .node("Transpose", "r -> z", numbers("perm", 0, 3, 1, 2))),
                onChannels(
                        "mean of channels last",
                        model -> model.node("Transpose", "x -> t", numbers("perm", 0, 2, 3, 1))
                                .node("ReduceMean", "t -> y", numbers("axes", 1, 2), attribute("keepdims", 0))),
                Named.of(
                        "input with channels last",
                        new OnnxModelWriter(17)
                                .input("images", FREE, SIZE_PX, SIZE_PX, 3)
                                .output("y", FREE, FREE)
                                .floats("mean", random(3), 3)
                                .floats("w", random(4 * 3 * 9), 4, 3, 3, 3)
                                .node("Sub", "images mean -> s")
                                .node("Transpose", "s -> x", numbers("perm", 0, 3, 1, 2))
                                .node("Conv", "x w -> z")
                                .node("Flatten", "z -> y")));
    }

    /** Numbers of channels that fill no whole block of a layout in blocks, before a convolution. */
    static Stream<Named<OnnxModelWriter>> partlyFilledBlocks() {
        return Stream.of(12, 20, 40)
                .flatMap(channels -> Stream.of(
                        inPartlyFilledBlocks(channels, "Mul"),
                        inPartlyFilledBlocks(channels, "Sub"),
                        inPartlyFilledBlocks(channels, "BatchNormalization")));
    }

    private static Named<OnnxModelWriter> inPartlyFilledBlocks(int channels, String operator) {
        return toImages(operator + " of " + channels + " channels, Conv", model -> {
            model.floats("w0", random(channels * CHANNELS * 9), channels, CHANNELS, 3, 3)
                    .floats("k", new float[] {1.5f})
                    .floats("w1", scaled(0.1f, random(channels * channels * 9)), channels, channels, 3, 3)
                    .node("Conv", "x w0 -> a", numbers("pads", 1, 1, 1, 1))
                    .node("Relu", "a -> b");
            if (operator.equals("BatchNormalization")) {
                float[] variance = new float[channels];
                Arrays.fill(variance, 0.3f);
                model.floats("v", variance, channels)
                        .floats("mean", random(channels), channels)
                        .node(operator, "b v mean mean v -> d", attribute("epsilon", 0.0));
            } else {
                model.node(operator, "b k -> d");
            }
            model.node("Conv", "d w1 -> z0", numbers("pads", 1, 1, 1, 1)).node("Add", "d z0 -> z");
        });
    }

    private static float[] scaled(float factor, float[] values) {
        for (int i = 0; i < values.length; i++) {
            values[i] *= factor;
        }
        return values;
    }

    @ParameterizedTest
    @MethodSource({
        "convolutions",
        "poolings",
        "pointwise",
        "arithmetic",
        "rows",
        "shapes",
        "partlyFilledBlocks",
        "laterOperatorSets"
    })
    void computesWhatOnnxRuntimeComputes(OnnxModelWriter writer) throws OrtException {
        Path file = writer.write(folder.resolve("net.onnx"));
        float[] images = random(2 * 3 * SIZE_PX * SIZE_PX);
        boolean channelsLast = ProtoReader.read(file).inputs().get(0).shape()[3] == 3;
        assertComputes(file, images, channelsLast, onnxRuntime(file, images, channelsLast));
    }

    private static void assertComputes(Path file, float[] images, boolean channelsLast, float[][] expected) {
        ModelProto model = ProtoReader.read(file);
        long[] input = model.inputs().get(0).shape();
        try (Graph graph = Converter.graph(model, input, channelsLast, "y", new IdentityHashMap<>())) {
            EngineRuns.all(graph, images, SIZE_PX).forEach((engine, rows) -> {
                assertThat(rows.length).isEqualTo(2);
                for (int i = 0; i < rows.length; i++) {
                    assertThat(rows[i].length).as(engine).isEqualTo(expected[i].length);
                    for (int j = 0; j < rows[i].length; j++) {
                        assertThat(Math.abs(rows[i][j] - expected[i][j]))
                                .as("%s, value %d", engine, j)
                                .isLessThan(1e-5f * Math.max(1, Math.abs(expected[i][j])));
                    }
                }
            });
        }
    }

    /** The covered operators that are new in the operator sets 22 to 25. */
    static Stream<Named<OnnxModelWriter>> laterOperatorSets() {
        return Stream.of(22L, 23L, 24L, 25L)
                .map(opset -> toImages(
                        "operator set " + opset,
                        opset,
                        model -> model.floats("w", random(8 * 8 * 9), 8, 8, 3, 3)
                                .node("Conv", "x w -> c", numbers("pads", 1, 1, 1, 1))
                                .node("HardSwish", "c -> h")
                                .node("Mish", "h -> m")
                                .node(
                                        "MaxPool",
                                        "m -> p",
                                        kernel(3, 3),
                                        numbers("strides", 2, 2),
                                        attribute("ceil_mode", 1))
                                .node(
                                        "AveragePool",
                                        "p -> a",
                                        kernel(3, 3),
                                        numbers("strides", 2, 2),
                                        attribute("ceil_mode", 1))
                                .node("HardSigmoid", "a -> s")
                                .node("Dropout", "s -> d")
                                .node("Identity", "d -> i")
                                .integers("zeros", 0, 0, 0, 1, 0, 0, 1, 0)
                                .node("Pad", "i zeros -> padded")
                                .floats("v", random(8 * 8 * 9), 8, 8, 3, 3)
                                .node("Conv", "padded v -> q")
                                .node("Transpose", "q -> t", numbers("perm", 0, 2, 3, 1))
                                .node("Transpose", "t -> b", numbers("perm", 0, 3, 1, 2))
                                .node("GlobalAveragePool", "b -> g")
                                .integers("axes", 2, 3)
                                .node("Squeeze", "g axes -> rows")
                                .node("LpNormalization", "rows -> n", attribute("axis", 1))
                                .node("Unsqueeze", "n axes -> u")
                                .node("Shape", "u -> shape")
                                .node("Cast", "shape -> to", attribute("to", 7))
                                .node("Reshape", "u to -> z")));
    }

    /**
     * A model as MXNet exports it.
     *
     * @param spatial whether its batch normalization is said to be of channels
     * @param statistics their shape
     * @param slopes their shape
     */
    private static OnnxModelWriter likeMxnet(int sizePx, int spatial, long[] statistics, long... slopes) {
        Random same = new Random(5);
        long inputs = (long) CHANNELS * sizePx * sizePx;
        float[] variances = random(same, statistics);
        for (int i = 0; i < variances.length; i++) {
            variances[i] = 0.1f + Math.abs(variances[i]);
        }
        return new OnnxModelWriter(8)
                .input("images", FREE, 3, sizePx, sizePx)
                .output("y", FREE, 5)
                .floats("mean", new float[] {0.5f}, 1)
                .floats("scale", new float[] {0.25f}, 1)
                .floats("w", random(same, CHANNELS, 3, 3, 3), CHANNELS, 3, 3, 3)
                .floats("s", random(same, statistics), statistics)
                .floats("b", random(same, statistics), statistics)
                .floats("m", random(same, statistics), statistics)
                .floats("v", variances, statistics)
                .floats("slopes", random(same, slopes), slopes)
                .floats("rows", scaled(0.1f, random(same, 5, inputs)), 5, inputs)
                .floats("shift", random(same, 5), 5)
                .node("Sub", "images mean -> centered")
                .node("Mul", "centered scale -> x")
                .node("Conv", "x w -> c", numbers("pads", 1, 1, 1, 1))
                .node("BatchNormalization", "c s b m v -> n", attribute("spatial", spatial))
                .node("PRelu", "n slopes -> p")
                .node("Flatten", "p -> f")
                .node("Gemm", "f rows shift -> y", attribute("transB", 1));
    }

    /** ONNX Runtime does not run them so; ArcFace of the ONNX Model Zoo is such a model. */
    @Test
    void readsStatisticsAndSlopesOfChannelsAsMxnetWritesThem() throws OrtException {
        long[] channels = {CHANNELS};
        float[] images = random(2 * 3 * SIZE_PX * SIZE_PX);
        Path plain = likeMxnet(SIZE_PX, 1, channels, CHANNELS, 1, 1).write(folder.resolve("plain.onnx"));
        float[][] expected = onnxRuntime(plain, images, false);
        assertComputes(plain, images, false, expected);
        Path mxnet = likeMxnet(SIZE_PX, 0, channels, CHANNELS).write(folder.resolve("mxnet.onnx"));
        assertComputes(mxnet, images, false, expected);
    }

    /** @param bounds start, end and step, of which {@code b} is the number of images */
    private static Named<OnnxModelWriter> slicedByImages(String bounds) {
        return onChannels(
                "Reshape by a slice by the number of images, " + bounds,
                model -> model.integers("constant", -1, 0)
                        .integers("zero", 0)
                        .integers("one", 1)
                        .integers("-1", -1)
                        .node("Shape", "x -> shape")
                        .node("Slice", "shape zero one -> b")
                        .node("Slice", "constant %s -> to".formatted(bounds.replaceFirst(" (\\S+)$", " _ $1")))
                        .node("Reshape", "x to -> y"));
    }

    /** Such constants kept their fractions and their signs. */
    private static Named<OnnxModelWriter> castTo(int type) {
        return toImages(
                "Cast of a constant to type " + type,
                model -> model.floats("c", new float[] {2.7f}, 1)
                        .node("Cast", "c -> cut", attribute("to", type))
                        .node("Cast", "cut -> factor", attribute("to", 1))
                        .node("Mul", "x factor -> z"));
    }

    /** A batch normalization by the statistics of the batch. */
    private static Named<OnnxModelWriter> inTraining(long opset, String results, Attribute... settings) {
        return onRows(
                "training, operator set " + opset,
                opset,
                model -> statistics(model)
                        .node("BatchNormalization", "rows s b m v -> " + results, settings)
                        .node("Relu", "n -> y"));
    }

    /** ONNX Runtime gave everybody the same embedding, since it normalized each image by itself. */
    @ParameterizedTest
    @MethodSource("trainings")
    void modelsInTrainingModeAreRefusedWhateverWouldRunThem(OnnxModelWriter writer) {
        Path file = writer.write(folder.resolve("net.onnx"));
        assertThatThrownBy(() -> OnnxModel.open(file, InputContract.parse("insightface")))
                .isInstanceOf(WeightsException.class)
                .hasMessageStartingWith(file + " was exported in training mode: the result of node ")
                .hasMessageEndingWith("export it again in inference mode (in PyTorch, after model.eval(), with"
                        + " training=TrainingMode.EVAL)");
    }

    /** A scale after the normalization kept it in the graph, which libtorch had to run. */
    @ParameterizedTest
    @ValueSource(floats = {64, 0.5f, -1})
    void anL2NormalizationAtTheEndIsTakenOutWithAPositiveScale(float scale) {
        OnnxModelWriter writer = onRows(
                        "scaled",
                        17,
                        model -> model.floats("scale", new float[] {scale})
                                .node("LpNormalization", "rows -> n", attribute("axis", 1))
                                .node("Mul", "n scale -> y"))
                .getPayload();
        Path file = writer.write(folder.resolve("net.onnx"));
        try (OnnxModel model = OnnxModel.open(file, InputContract.parse("insightface"));
                Graph graph = model.graph().orElseThrow()) {
            boolean normalizes = graph.nodes().stream().anyMatch(node -> node.operation() instanceof L2Normalize);
            assertThat(normalizes).isEqualTo(scale < 0);
        }
    }

    static Stream<Named<OnnxModelWriter>> trainings() {
        return Stream.of(
                inTraining(9, "n mean var savedMean savedVar"),
                inTraining(15, "n", attribute("training_mode", 1)),
                onRows(
                        "Dropout",
                        13,
                        model -> model.floats("ratio", new float[] {0.5f})
                                .written("training", 9, new long[] {1}) // BOOL
                                .node("Dropout", "rows ratio training -> y")));
    }

    static Stream<Arguments> others() {
        String twice = "it adds padding to images that are padded already";
        String zeros = "zeros around its input may be among its maxima";
        String wide = "its padding is not smaller than its window";
        long[] channels = {CHANNELS};
        long[] pixels = {CHANNELS, SIZE_PX, SIZE_PX};
        return Stream.of(
                Arguments.of(
                        toImages(
                                "Div of values",
                                model -> model.node("Sigmoid", "x -> s").node("Div", "x s -> z")),
                        "it divides by other than a constant or the norms of rows"),
                Arguments.of(
                        toImages(
                                "Add of a map",
                                model -> model.floats("w", random(8), 1, 8, 1, 1)
                                        .node("Conv", "x w -> map")
                                        .node("Add", "x map -> z")),
                        "its inputs are of the shapes [batch, 8, 13, 13] and [batch, 1, 13, 13]"),
                Arguments.of(
                        toImages(
                                "Mul by a map",
                                model -> model.floats("w", random(8), 1, 8, 1, 1)
                                        .node("Conv", "x w -> map")
                                        .node("Mul", "x map -> z")),
                        "its inputs are of the shapes [batch, 8, 13, 13] and [batch, 1, 13, 13]"),
                Arguments.of(inTraining(13, "n mean var savedMean savedVar"), "it is in training mode"),
                Arguments.of(inTraining(15, "n", attribute("training_mode", 1)), "it is in training mode"),
                Arguments.of(castTo(2), "it converts a constant to type 2"), // UINT8
                Arguments.of(castTo(9), "it converts a constant to type 9"), // BOOL
                Arguments.of(
                        Named.of("statistics of pixels", likeMxnet(SIZE_PX, 0, pixels, CHANNELS)),
                        "it normalizes each pixel on its own"),
                Arguments.of(
                        Named.of("slopes of channels or columns", likeMxnet(CHANNELS, 1, channels, CHANNELS)),
                        "a constant of the shape [8] is not one number per channel of [batch, 8, 8, 8]"),
                Arguments.of(
                        padded("Relu", sides(1, 1, 1, 1), "AveragePool", kernel(3, 3), numbers("pads", 0, 1, 0, 0)),
                        twice),
                Arguments.of(
                        padded("Relu", sides(1, 1, 1, 1), "AveragePool", kernel(3, 3), attribute("ceil_mode", 1)),
                        twice),
                Arguments.of(
                        padded(
                                "Relu",
                                sides(1, 1, 1, 1),
                                "AveragePool",
                                kernel(3, 3),
                                attribute("auto_pad", "SAME_UPPER")),
                        twice),
                Arguments.of(padded("Relu", sides(0, 0, 0, 3), "AveragePool", kernel(3, 3)), wide),
                Arguments.of(slicedByImages("b one -1"), "it depends on the number of images"),
                Arguments.of(slicedByImages("zero b one"), "it depends on the number of images"),
                Arguments.of(padded("Relu", sides(3, 0, 0, 0), "MaxPool", kernel(3, 3)), wide),
                Arguments.of(
                        padded("Relu", sides(1, 1, 1, 1), "MaxPool", kernel(3, 3), attribute("ceil_mode", 1)), zeros),
                Arguments.of(
                        padded("Relu", sides(1, 1, 1, 1), "MaxPool", kernel(3, 3), attribute("auto_pad", "SAME_LOWER")),
                        zeros),
                Arguments.of(
                        padded("Relu", sides(1, 1, 1, 1), "MaxPool", kernel(3, 3), numbers("dilations", 2, 1)), zeros),
                Arguments.of(padded("Identity", sides(1, 1, 1, 1), "MaxPool", kernel(3, 3)), zeros),
                Arguments.of(padded("Tanh", sides(1, 1, 1, 1), "MaxPool", kernel(3, 3)), zeros),
                Arguments.of(
                        padded(
                                "Relu",
                                sides(0, 0, 0, 0),
                                "AveragePool",
                                kernel(4, 4),
                                numbers("strides", 2, 2),
                                numbers("pads", 1, 1, 1, 1),
                                attribute("ceil_mode", 1),
                                attribute("count_include_pad", 1)),
                        "it counts padding and rounds sizes up"));
    }

    /** What would be computed otherwise than ONNX says is left to others. */
    @ParameterizedTest
    @MethodSource("others")
    void refusesWhatItWouldNotComputeExactly(OnnxModelWriter writer, String reason) {
        ModelProto model = ProtoReader.read(writer.write(folder.resolve("net.onnx")));
        long[] input = model.inputs().get(0).shape();
        assertThatThrownBy(() -> Converter.graph(model, input, false, "y", new IdentityHashMap<>()))
                .isInstanceOf(Uncovered.class)
                .hasMessageContaining(reason);
    }

    /** @param images of two images, [2, 3, S, S] */
    private static float[][] onnxRuntime(Path file, float[] images, boolean channelsLast) throws OrtException {
        float[] values = images.clone();
        int area = SIZE_PX * SIZE_PX;
        for (int i = 0; i < values.length && channelsLast; i++) {
            int image = i / (3 * area);
            int pixel = i % (3 * area) / 3;
            values[i] = images[(3 * image + i % 3) * area + pixel];
        }
        long[] shape = channelsLast ? new long[] {2, SIZE_PX, SIZE_PX, 3} : new long[] {2, 3, SIZE_PX, SIZE_PX};
        OrtEnvironment environment = OrtEnvironment.getEnvironment();
        try (OrtSession session = environment.createSession(file.toString());
                OnnxTensor input = OnnxTensor.createTensor(environment, FloatBuffer.wrap(values), shape);
                OrtSession.Result result = session.run(Map.of("images", input))) {
            return (float[][]) result.get(0).getValue();
        }
    }
}
