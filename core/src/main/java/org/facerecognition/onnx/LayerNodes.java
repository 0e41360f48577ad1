package org.facerecognition.onnx;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.facerecognition.graph.Constant;
import org.facerecognition.graph.Operation;
import org.facerecognition.graph.Operation.Activation;
import org.facerecognition.graph.Operation.AveragePool;
import org.facerecognition.graph.Operation.BatchNorm;
import org.facerecognition.graph.Operation.Convolution;
import org.facerecognition.graph.Operation.GlobalAveragePool;
import org.facerecognition.graph.Operation.L2Normalize;
import org.facerecognition.graph.Operation.Linear;
import org.facerecognition.graph.Operation.MaxPool;
import org.facerecognition.graph.Operation.Upsample;
import org.facerecognition.graph.Window;
import org.jspecify.annotations.Nullable;

/** Converts layers: convolutions, linear layers, normalizations and poolings. */
final class LayerNodes {
    private static final int MAX_FACTOR = 64;

    private final Nodes node;
    private final NodeProto proto;
    private final Converter converter;

    private LayerNodes(Nodes node) {
        this.node = node;
        this.proto = node.node();
        this.converter = node.converter();
    }

    static List<? extends Datum> convert(Nodes node) {
        LayerNodes layer = new LayerNodes(node);
        Computed result = layer.result();
        return result == null ? List.of() : List.of(result);
    }

    private @Nullable Computed result() {
        return switch (proto.type()) {
            case "Conv" -> convolution();
            case "Gemm" -> gemm();
            case "MatMul" -> matMul();
            case "BatchNormalization" -> batchNorm();
            case "MaxPool" -> maxPool();
            case "AveragePool" -> averagePool();
            case "GlobalAveragePool" -> globalAveragePool(converter.images(node.computed(0)));
            case "GlobalMaxPool" -> {
                Computed x = converter.images(node.computed(0));
                long[] one = {Known.BATCH, x.base()[1], 1, 1};
                var pool = new MaxPool((int) x.base()[2], (int) x.base()[3], Window.of(1, 0));
                yield converter.add(pool, one, x);
            }
            case "Resize", "Upsample" -> upsample();
            case "ReduceMean" -> reduceMean();
            case "ReduceL2" -> reduceL2();
            case "LpNormalization" -> {
                Computed given = node.computed(0);
                node.require(
                        proto.number("p", 2) == 2 && isOverAll(given, proto.number("axis", -1)),
                        "it must be over all values of an image with p 2");
                Computed x = converter.rows(given);
                yield converter.add(new L2Normalize(), x.base(), x).as(Computed.View.SAME, given.shape());
            }
            default -> null;
        };
    }

    // ---- convolutions and linear layers ----

    private Computed convolution() {
        NodeWindow window = new NodeWindow(node);
        Computed x = window.images();
        Known weight = node.known(1);
        long[] shape = weight.shape();
        int groups = (int) proto.number("group", 1);
        node.require(
                shape.length == 4
                        && groups >= 1
                        && shape[0] % groups == 0
                        && shape[1] * groups == x.base()[1]
                        && Arrays.stream(shape).allMatch(size -> size > 0),
                "weights of the shape " + Arrays.toString(shape) + " do not fit images of the shape "
                        + Converter.text(x.base()));
        Window w = window.of(shape[2], shape[3]);
        Constant bias = node.has(2) ? vector(node.known(2), shape[0]) : null;
        long[] result = {Known.BATCH, shape[0], w.positionsY(x.base()[2], shape[2]), w.positionsX(x.base()[3], shape[3])
        };
        node.require(result[2] > 0 && result[3] > 0, "its window is larger than its input");
        return converter.add(new Convolution(weight.constant(), bias, w, groups), result, x);
    }

    private Constant vector(Known values, long count) {
        node.require(values.count() == count, "it needs " + count + " values, but has " + values.count());
        return values.constant().reshape(count);
    }

    private Computed gemm() {
        Computed x = converter.rows(node.computed(0));
        Known weight = node.known(1);
        node.require(proto.number("transA", 0) == 0 && weight.shape().length == 2, "its first input is transposed");
        boolean transposed = proto.number("transB", 0) != 0;
        double alpha = proto.real("alpha", 1);
        double beta = proto.real("beta", 1);
        Constant matrix = transposed ? weight.constant() : transposed(weight.constant());
        long outputs = matrix.size(0);
        node.require(matrix.size(1) == x.base()[1], "its matrix does not fit its input");
        Constant bias = null;
        if (node.has(2)) {
            Known added = node.known(2);
            node.require(added.count() == 1 || added.count() == outputs, "its last input is no vector");
            bias = times(added.count() == 1 ? repeated(added.scalar(), outputs) : vector(added, outputs), beta);
        }
        return converter.add(new Linear(times(matrix, alpha), bias), new long[] {Known.BATCH, outputs}, x);
    }

    private Computed matMul() {
        Computed given = node.computed(0);
        Known weight = node.known(1);
        node.require(
                weight.shape().length == 2 && given.shape().length == 2, "it multiplies other than rows by a matrix");
        Computed x = converter.rows(given);
        node.require(weight.shape()[0] == x.base()[1], "its matrix does not fit its input");
        return converter.add(
                new Linear(transposed(weight.constant()), null), new long[] {Known.BATCH, weight.shape()[1]}, x);
    }

    private static Constant repeated(double value, long count) {
        float[] values = new float[Math.toIntExact(count)];
        Arrays.fill(values, (float) value);
        return Constant.of(values, count);
    }

    /** Returns a matrix with rows and columns exchanged, whenever its values are asked for. */
    static Constant transposed(Constant matrix) {
        long[] shape = matrix.shape();
        return Constant.of(new long[] {shape[1], shape[0]}, target -> {
            float[] values = matrix.values();
            int rows = (int) shape[0];
            int columns = (int) shape[1];
            for (int column = 0; column < columns; column++) {
                for (int row = 0; row < rows; row++) {
                    target.put(values[row * columns + column]);
                }
            }
        });
    }

    private static Constant times(Constant values, double factor) {
        return factor == 1
                ? values
                : Constant.of(values.shape(), target -> {
                    for (float value : values.values()) {
                        target.put((float) (value * factor));
                    }
                });
    }

    // ---- normalizations ----

    private Computed batchNorm() {
        node.require(!TrainingMode.isOf(proto, converter.opset()), "it is in training mode");
        // spatial 0 asks for statistics of each pixel, but MXNet writes it with those of channels
        boolean ofChannels = proto.number("spatial", 1) == 1
                || IntStream.rangeClosed(1, 4)
                        .allMatch(input -> node.known(input).shape().length == 1);
        node.require(ofChannels, "it normalizes each pixel on its own");
        Computed given = node.computed(0);
        Computed x = converter.materialized(given);
        long channels = x.base()[1];
        Computed result = converter.add(
                new BatchNorm(
                        vector(node.known(3), channels),
                        vector(node.known(4), channels),
                        vector(node.known(1), channels),
                        vector(node.known(2), channels),
                        proto.real("epsilon", 1e-5f)),
                x.base(),
                x);
        return result.flatAs(given);
    }

    private Computed reduceL2() {
        long[] axes = ShapeArithmetic.axes(proto, node.inputs());
        Computed given = node.computed(0);
        node.require(
                axes != null && axes.length == 1 && isOverAll(given, axes[0]) && proto.number("keepdims", 1) == 1,
                "it must be over all values of an image and keep their dimension");
        long[] norms = given.shape().clone();
        Arrays.fill(norms, 1, norms.length, 1);
        return converter.rows(given).as(Computed.View.NORM, norms);
    }

    /** Returns whether an axis is over all values of an image: rows, or the channels of images of one pixel. */
    private boolean isOverAll(Computed x, long axis) {
        int counted = ShapeArithmetic.axis(axis, x.shape().length);
        return counted > 0 && x.shape()[counted] == x.perImage();
    }

    // ---- poolings ----

    private Computed globalAveragePool(Computed x) {
        return converter.add(new GlobalAveragePool(), new long[] {Known.BATCH, x.base()[1], 1, 1}, x);
    }

    private Computed reduceMean() {
        Computed x = converter.requireValues(node.computed(0));
        long[] axes = ShapeArithmetic.axes(proto, node.inputs());
        node.require(axes != null, "it must name its axes");
        int rank = x.shape().length;
        long[] counted = Arrays.stream(axes)
                .map(axis -> ShapeArithmetic.axis(axis, rank))
                .sorted()
                .toArray();
        boolean channelsLast = x.view() == Computed.View.CHANNELS_LAST;
        boolean flat = rank == 3 && x.base().length == 4 && x.shape()[1] == x.base()[1]; // [B, C, H * W]
        boolean overPixels = flat
                ? Arrays.equals(counted, new long[] {2})
                : rank == 4
                        && (channelsLast || x.isImages())
                        && Arrays.equals(counted, channelsLast ? new long[] {1, 2} : new long[] {2, 3});
        node.require(overPixels, "it must be over all pixels of images");
        Computed pooled = globalAveragePool(Computed.of(x.value(), x.base()));
        long channels = x.base()[1];
        if (proto.number("keepdims", 1) == 0) {
            return pooled.as(Computed.View.SAME, Known.BATCH, channels);
        }
        return flat
                ? pooled.as(Computed.View.SAME, Known.BATCH, channels, 1)
                : channelsLast ? pooled.as(Computed.View.CHANNELS_LAST, Known.BATCH, 1, 1, channels) : pooled;
    }

    private Computed maxPool() {
        node.require(proto.outputs().size() < 2 || proto.outputs().get(1).isEmpty(), "it returns places too");
        NodeWindow window = new NodeWindow(node);
        Computed x = window.images();
        long[] kernel = kernel();
        Window w = window.of(kernel[0], kernel[1]);
        if (window.isPaddedBefore()) { // the pooling pads with negative infinity
            boolean dilated = w.dilationY() != 1 || w.dilationX() != 1; // some windows might skip the image
            node.require(
                    isNeverNegative(x) && !dilated && !window.padsToTheSameSize() && !window.roundsUp(),
                    "zeros around its input may be among its maxima");
            window.requireLessPadding(w, kernel);
        }
        return pooled(new MaxPool((int) kernel[0], (int) kernel[1], w), x, kernel, w);
    }

    private boolean isNeverNegative(Computed x) {
        Converter.Made made = converter.made(x.value());
        return made != null
                && (made.operation() == Activation.RELU
                        || made.operation() == Activation.RELU6
                        || made.operation() == Activation.SIGMOID);
    }

    /** Covers the repetition of pixels, as which the usual rules for coordinates select them by a whole number. */
    private Computed upsample() {
        Computed x = converter.images(node.computed(0));
        boolean old = proto.type().equals("Upsample") || converter.opset() < 11;
        String coordinates = proto.text("coordinate_transformation_mode", old ? "asymmetric" : "half_pixel");
        String rounding = proto.text("nearest_mode", old ? "floor" : "round_prefer_floor");
        boolean repeats = switch (coordinates) {
            case "asymmetric", "tf_half_pixel_for_nn" -> rounding.equals("floor");
            case "half_pixel", "pytorch_half_pixel", "half_pixel_symmetric" -> rounding.startsWith("round");
            default -> false;
        };
        node.require(
                proto.text("mode", "nearest").equals("nearest") && repeats && !proto.has("axes"),
                "it does more than repeat pixels");
        long[] from = x.base();
        int factor = 0;
        if (node.has(3) && node.known(3).count() > 0) {
            long[] to = node.known(3).requireNumbers();
            node.require(to.length == 4 && converter.isBatch(to[0]) && to[1] == from[1], "it changes other sizes");
            boolean whole = to[2] > 0 && to[2] % from[2] == 0 && to[3] == to[2] / from[2] * from[3];
            factor = whole ? Math.toIntExact(to[2] / from[2]) : 0;
        } else {
            int input = old ? 1 : 2;
            float[] scales = node.has(input) ? node.known(input).floats() : proto.reals("scales");
            boolean whole = scales.length == 4
                    && scales[0] == 1
                    && scales[1] == 1
                    && scales[2] == scales[3]
                    && scales[2] == Math.rint(scales[2]);
            factor = whole ? (int) scales[2] : 0;
        }
        node.require(factor >= 1 && factor <= MAX_FACTOR, "it enlarges by other than a whole number");
        long[] to = {Known.BATCH, from[1], factor * from[2], factor * from[3]};
        return factor == 1 ? x : converter.add(new Upsample(factor), to, x);
    }

    private Computed averagePool() {
        NodeWindow window = new NodeWindow(node);
        Computed x = window.images();
        long[] kernel = kernel();
        Window w = window.of(kernel[0], kernel[1]);
        if (window.isPaddedBefore()) { // those zeros are values like others
            boolean own = window.hasOwnPadding() || window.roundsUp();
            node.require(!own, "it adds padding to images that are padded already");
            window.requireLessPadding(w, kernel);
        }
        Window down = window.roundedDown(kernel[0], kernel[1]);
        boolean pads = !down.equals(down.withoutPadding());
        boolean countsPadding = pads && (window.isPaddedBefore() || proto.number("count_include_pad", 0) != 0);
        node.require(!countsPadding || w.equals(down), "it counts padding and rounds sizes up");
        node.require(w.dilationY() == 1 && w.dilationX() == 1, "it is dilated");
        if (kernel[0] == x.base()[2]
                && kernel[1] == x.base()[3]
                && w.withoutPadding().equals(w)) {
            return globalAveragePool(x);
        }
        return pooled(new AveragePool((int) kernel[0], (int) kernel[1], w, countsPadding), x, kernel, w);
    }

    private long[] kernel() {
        long[] kernel = proto.numbers("kernel_shape");
        node.require(kernel.length == 2 && kernel[0] > 0 && kernel[1] > 0, "it is not over images");
        return kernel;
    }

    private Computed pooled(Operation pool, Computed x, long[] kernel, Window w) {
        long[] result = {
            Known.BATCH, x.base()[1], w.positionsY(x.base()[2], kernel[0]), w.positionsX(x.base()[3], kernel[1])
        };
        node.require(result[2] > 0 && result[3] > 0, "its window is larger than its input");
        return converter.add(pool, result, x);
    }
}
