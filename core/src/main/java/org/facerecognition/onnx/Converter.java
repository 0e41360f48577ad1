package org.facerecognition.onnx;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.LongStream;
import org.facerecognition.graph.Constant;
import org.facerecognition.graph.Graph;
import org.facerecognition.graph.GraphBuilder;
import org.facerecognition.graph.Operation;
import org.facerecognition.graph.Operation.Activation;
import org.facerecognition.graph.Operation.BatchNorm;
import org.facerecognition.graph.Operation.Flatten;
import org.facerecognition.graph.Operation.HardSigmoid;
import org.facerecognition.graph.Operation.Scale;
import org.facerecognition.graph.Operation.Unflatten;
import org.facerecognition.graph.Value;
import org.facerecognition.weights.WeightsException;
import org.jspecify.annotations.Nullable;

/**
 * Converts an ONNX graph. Whatever is known before the images are is computed here; a node is converted exactly or not
 * at all. The kinds of nodes are in {@link LayerNodes}, {@link ArithmeticNodes} and {@link ShapeNodes}.
 */
final class Converter {
    private static final long MAX_VALUES = 1 << 26; // of one image between layers: real nets have a million
    private static final long MAX_FOLDED = 1 << 25; // values computed from constants: real nets have shapes
    private static final double NEARLY = 1e-6;

    /** Operators whose result has the values of an input or of the file; weights may pass through them. */
    private static final Set<String> OF_THE_SAME_VALUES =
            Set.of("Constant", "Identity", "Dropout", "Cast", "Reshape", "Flatten", "Squeeze", "Unsqueeze");

    private final ModelProto model;
    private final GraphBuilder builder;
    private final Map<String, Datum> values = new HashMap<>();
    private final Map<Value, Made> made = new HashMap<>();
    private final Map<Value, Affine> affines = new HashMap<>();
    private final Map<Value, Computed> flattened = new HashMap<>(); // each value once, so that patterns are seen
    private final Map<String, long[]> paddings = new HashMap<>();
    private final Map<Operation, String> titles;
    private @Nullable NodeProto current;
    private long folded;

    /** An operation that was added, with its inputs. */
    record Made(Operation operation, List<Value> inputs) {}

    /** x * scale + shift, per channel. */
    record Affine(float[] scale, float[] shift) {
        static Affine uniform(int channels, double scale, double shift) {
            float[] scales = new float[channels];
            float[] shifts = new float[channels];
            Arrays.fill(scales, (float) scale);
            Arrays.fill(shifts, (float) shift);
            return new Affine(scales, shifts);
        }

        Affine then(Affine next) {
            float[] scales = new float[scale.length];
            float[] shifts = new float[scale.length];
            for (int i = 0; i < scales.length; i++) {
                scales[i] = scale[i] * next.scale[i];
                shifts[i] = (float) ((double) shift[i] * next.scale[i] + next.shift[i]);
            }
            return new Affine(scales, shifts);
        }

        /** Returns whether all channels are scaled and shifted by these numbers, or nearly so. */
        boolean is(double scale, double shift) {
            for (int i = 0; i < this.scale.length; i++) {
                if (Math.abs(this.scale[i] - scale) > NEARLY || Math.abs(this.shift[i] - shift) > NEARLY) {
                    return false;
                }
            }
            return true;
        }

        boolean isIdentity() {
            for (int i = 0; i < scale.length; i++) {
                if (scale[i] != 1 || shift[i] != 0) {
                    return false;
                }
            }
            return true;
        }

        BatchNorm operation() {
            float[] ones = new float[scale.length];
            Arrays.fill(ones, 1);
            long size = scale.length;
            return new BatchNorm(
                    Constant.of(new float[scale.length], size),
                    Constant.of(ones, size),
                    Constant.of(scale, size),
                    Constant.of(shift, size),
                    0);
        }
    }

    Converter(ModelProto model, GraphBuilder builder, Map<Operation, String> titles) {
        this.model = model;
        this.builder = builder;
        this.titles = titles;
    }

    /**
     * Returns a model's graph, whose input is what the model's is, as [B, C, H, W].
     *
     * @param shape of the input as the model has it, without open sizes except the first
     * @param channelsLast whether the model's input is [B, H, W, C]
     * @param output the name of the value that is the embeddings
     * @param titles by identity, takes what messages call the node that each operation is from
     * @return owned
     * @throws Uncovered when a node or the operator set is not covered, naming it
     */
    static Graph graph(
            ModelProto model, long[] shape, boolean channelsLast, String output, Map<Operation, String> titles) {
        model.requireKnownOperators();
        return Graph.of((builder, images) -> {
            Converter converter = new Converter(model, builder, titles);
            converter.convert(images, shape, channelsLast, List.of(output));
            return converter.rows(converter.result(output)).value();
        });
    }

    /** Converts the nodes that some outputs depend on; the other parameters are as for {@link #graph}. */
    void convert(Value images, long[] shape, boolean channelsLast, List<String> outputs) {
        long[] base = channelsLast ? new long[] {shape[0], shape[3], shape[1], shape[2]} : shape.clone();
        base[0] = Known.BATCH;
        long[] seen = shape.clone();
        seen[0] = Known.BATCH;
        values.put(
                model.inputs().get(0).name(),
                Computed.of(images, base).as(channelsLast ? Computed.View.CHANNELS_LAST : Computed.View.SAME, seen));
        for (NodeProto node : NeededNodes.of(model, outputs)) {
            current = node;
            try {
                convert(node);
            } catch (Uncovered e) {
                String reason = String.valueOf(e.getMessage());
                throw reason.contains(node.title()) ? e : new Uncovered(node, reason);
            } catch (WeightsException e) {
                throw e;
            } catch (RuntimeException e) { // of sizes and indices that no valid graph has
                throw new Uncovered(node, "its inputs and settings do not fit each other (" + e.getMessage() + ")");
            }
        }
    }

    Computed result(String output) {
        if (value(output) instanceof Computed result) {
            return result;
        }
        throw new Uncovered("its result does not depend on the images");
    }

    private void convert(NodeProto node) {
        List<@Nullable Datum> inputs = new ArrayList<>();
        List<@Nullable Known> known = new ArrayList<>();
        boolean allKnown = true;
        for (int i = 0; i < node.inputs().size(); i++) {
            Datum input = node.hasInput(i) ? value(node.inputs().get(i)) : null;
            inputs.add(input);
            allKnown &= !(input instanceof Computed);
            known.add(input instanceof Known one ? one : null);
        }
        List<? extends Datum> results;
        if (node.type().equals("Shape")) {
            results = List.of(ShapeNodes.shape(node, value(node.input(0))));
        } else if (allKnown) {
            Known result = ShapeArithmetic.of(node, known);
            results = result == null ? List.of() : List.of(result);
            folded += result != null && isMade(node, result, known) ? result.count() : 0;
            if (folded > MAX_FOLDED) {
                throw new Uncovered(node, "more than " + MAX_FOLDED + " values are computed from constants");
            }
        } else {
            results = computed(node, inputs);
        }
        if (results.isEmpty()) {
            throw new Uncovered(node, allKnown ? "it computes with constants" : "there is no such operation here");
        }
        for (int i = 0; i < node.outputs().size() && i < results.size(); i++) {
            values.put(node.outputs().get(i), results.get(i));
        }
    }

    /** Returns whether the values of a result take memory of their own. */
    private static boolean isMade(NodeProto node, Known result, List<@Nullable Known> inputs) {
        Known first = inputs.isEmpty() ? null : inputs.get(0);
        boolean isConverted = first != null && (first.numbers() == null) != (result.numbers() == null);
        return isConverted || !OF_THE_SAME_VALUES.contains(node.type());
    }

    private List<? extends Datum> computed(NodeProto node, List<@Nullable Datum> inputs) {
        Nodes nodes = new Nodes(this, node, inputs);
        for (Nodes.Kind kind :
                List.<Nodes.Kind>of(LayerNodes::convert, ArithmeticNodes::convert, ShapeNodes::convert)) {
            List<? extends Datum> results = kind.convert(nodes);
            if (!results.isEmpty()) {
                return results;
            }
        }
        return List.of();
    }

    private Datum value(String name) {
        Datum known = values.get(name);
        if (known == null) {
            TensorProto initializer = model.initializers().get(name);
            if (initializer == null) {
                throw new Uncovered("there is no value " + name);
            }
            known = Known.of(initializer);
            values.put(name, known);
        }
        return known;
    }

    // ---- for the kinds of nodes ----

    /** Returns whether the number is the number of images. */
    boolean isBatch(long size) {
        long[] declared = model.inputs().get(0).shape();
        return size == Known.BATCH || size == 1 || (declared.length > 0 && declared[0] == size && size > 0);
    }

    /** Returns the padding of a {@link Computed.View#PADDED} value: top, left, bottom, right. */
    long[] padding(String name) {
        long[] padding = paddings.get(name);
        if (padding == null) {
            throw new Uncovered("its padding comes by way of other nodes");
        }
        return padding;
    }

    void pad(String name, long[] padding) {
        paddings.put(name, padding);
    }

    long opset() {
        return model.opset();
    }

    /** Adds an operation; the shape is that of its result. */
    Computed add(Operation operation, long[] shape, Computed... inputs) {
        if (LongStream.of(shape).skip(1).asDoubleStream().reduce(1, (a, b) -> a * b) > MAX_VALUES) {
            throw new Uncovered("its result has more than " + MAX_VALUES + " values per image");
        }
        Value[] from = Arrays.stream(inputs).map(Computed::value).toArray(Value[]::new);
        Value value = builder.add(operation, from);
        made.put(value, new Made(operation, List.of(from)));
        if (current != null && !(operation instanceof Enum)) { // the others are the same object everywhere
            titles.put(operation, current.title());
        }
        return Computed.of(value, shape);
    }

    /** Adds an operation that maps each value on its own, which keeps the shape and the view. */
    Computed map(Operation operation, Computed x) {
        Computed result = add(operation, x.base(), new Computed(x.value(), x.base(), x.base(), Computed.View.SAME));
        return new Computed(
                result.value(), x.base(), x.shape(), requireValues(x).view());
    }

    /** Returns a value that is more than an intermediate result of a pattern. */
    Computed requireValues(Computed x) {
        if (x.view() != Computed.View.SAME && x.view() != Computed.View.CHANNELS_LAST) {
            throw new Uncovered("it takes an intermediate result (" + x.view() + ") that is only known in a pattern");
        }
        return x;
    }

    /** Returns [B, C, H, W]. */
    Computed images(Computed x) {
        requireValues(x);
        long[] base = x.base();
        if (x.isImages() || (x.view() == Computed.View.CHANNELS_LAST && base[2] == 1 && base[3] == 1)) {
            return Computed.of(x.value(), base);
        }
        boolean onePixel = x.shape().length == 4 && x.shape()[1] == x.perImage() && x.view() == Computed.View.SAME;
        if (!onePixel) {
            throw new Uncovered("it needs images, but is given " + text(x.shape())
                    + (x.view() == Computed.View.CHANNELS_LAST ? " with channels last" : ""));
        }
        return add(new Unflatten(), new long[] {Known.BATCH, x.perImage(), 1, 1}, rows(x));
    }

    /** Returns [B, D]. */
    Computed rows(Computed x) {
        requireValues(x);
        long[] base = x.base();
        if (x.view() == Computed.View.CHANNELS_LAST && (base[2] != 1 || base[3] != 1)) {
            throw new Uncovered("it needs rows, but is given images with channels last");
        }
        long[] rows = {Known.BATCH, x.perImage()};
        return base.length == 2
                ? Computed.of(x.value(), base)
                : flattened.computeIfAbsent(x.value(), value -> add(new Flatten(), rows, Computed.of(value, base)));
    }

    /** Returns a value in the shape that ONNX sees, as far as the graph has such: see {@link Computed#isFlat}. */
    Computed materialized(Computed x) {
        boolean ofImages = x.isFlat() && x.base().length == 4 && x.shape()[1] == x.base()[1];
        boolean ofRows = x.isFlat() || x.shape().length == 2;
        return ofImages ? Computed.of(x.value(), x.base()) : ofRows ? rows(x) : images(x);
    }

    /** Returns the operation that made a value; null for the images. */
    @Nullable
    Made made(Value value) {
        return made.get(value);
    }

    /** Returns whether a value is the scaled and shifted {@code x}. */
    boolean isAffine(Value value, Value x, double scale, double shift) {
        Made by = made.get(value);
        Affine affine = affines.get(value);
        return by != null
                && affine != null
                && affine.is(scale, shift)
                && by.inputs().get(0).equals(x);
    }

    @Nullable
    Affine affine(Value value) {
        return affines.get(value);
    }

    /** Adds a scaling and shifting of channels, joined with one before it. */
    Computed affine(Computed x, Affine affine) {
        requireValues(x);
        Computed known = hardPattern(x, affine);
        if (known != null) {
            return known;
        }
        Value from = x.value();
        Affine all = affine;
        Affine before = affines.get(from);
        Made by = made.get(from);
        if (before != null && by != null) {
            from = by.inputs().get(0);
            all = before.then(affine);
        }
        Value result = from;
        if (!all.isIdentity()) {
            result = add(all.operation(), x.base(), Computed.of(from, x.base())).value();
            affines.put(result, all);
        }
        return new Computed(result, x.base(), x.shape(), x.view());
    }

    /** Recognizes min(max(x + 3, 0), 6) / 6 and x times that. */
    private @Nullable Computed hardPattern(Computed x, Affine affine) {
        Made by = made.get(x.value());
        if (by == null || !affine.is(1.0 / 6, 0)) {
            return null;
        }
        if (by.operation() == Activation.RELU6) {
            Value z = shiftedBy3(x.value());
            return z == null ? null : at(x, new HardSigmoid(1.0 / 6, 0.5), z);
        }
        if (by.operation() instanceof Scale) {
            Value a = by.inputs().get(0);
            Value b = by.inputs().get(1);
            if (a.equals(shiftedBy3(b))) {
                return at(x, Activation.HARD_SWISH, a);
            }
            if (b.equals(shiftedBy3(a))) {
                return at(x, Activation.HARD_SWISH, b);
            }
        }
        return null;
    }

    /** Returns z if the value is min(max(z + 3, 0), 6). */
    private @Nullable Value shiftedBy3(Value value) {
        Made by = made.get(value);
        if (by == null || by.operation() != Activation.RELU6) {
            return null;
        }
        Value shifted = by.inputs().get(0);
        Made before = made.get(shifted);
        return before != null && isAffine(shifted, before.inputs().get(0), 1, 3)
                ? before.inputs().get(0)
                : null;
    }

    private Computed at(Computed like, Operation operation, Value input) {
        Computed result = add(operation, like.base(), Computed.of(input, like.base()));
        return new Computed(result.value(), like.base(), like.shape(), like.view());
    }

    static String text(long[] shape) {
        return Arrays.toString(shape).replace(Long.toString(Known.BATCH), "batch");
    }
}
