package org.facerecognition.onnx;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.facerecognition.graph.Operation.Concat;
import org.facerecognition.graph.Operation.ShuffleChannels;
import org.facerecognition.graph.Operation.SliceChannels;
import org.facerecognition.onnx.Computed.View;
import org.jspecify.annotations.Nullable;

/** Converts nodes that change shapes, or take and join channels. Most of them compute nothing. */
final class ShapeNodes {
    private final Nodes node;
    private final NodeProto proto;
    private final Converter converter;

    private ShapeNodes(Nodes node) {
        this.node = node;
        this.proto = node.node();
        this.converter = node.converter();
    }

    static List<? extends Datum> convert(Nodes node) {
        ShapeNodes shape = new ShapeNodes(node);
        if (node.node().type().equals("Split")) {
            return shape.split();
        }
        Computed result = shape.result();
        return result == null ? List.of() : List.of(result);
    }

    /** Returns the sizes of a value's dimensions, as a vector. */
    static Known shape(NodeProto node, Datum of) {
        long[] shape = of.shape();
        long start = ShapeArithmetic.bounded(node.number("start", 0), shape.length);
        long end = ShapeArithmetic.bounded(node.number("end", shape.length), shape.length);
        long[] part = Arrays.copyOfRange(shape, (int) start, (int) Math.max(start, end));
        return Known.ofNumbers(new long[] {part.length}, part);
    }

    private @Nullable Computed result() {
        return switch (proto.type()) {
            case "Identity" -> node.computed(0);
            case "Dropout" -> {
                boolean training = node.has(2) && node.known(2).requireFixed()[0] != 0;
                node.require(!training, "it is in training mode");
                yield node.computed(0);
            }
            case "Cast" -> {
                int to = (int) proto.number("to", TensorProto.FLOAT);
                boolean real = to == TensorProto.FLOAT
                        || to == TensorProto.FLOAT16
                        || to == TensorProto.BFLOAT16
                        || to == TensorProto.DOUBLE;
                node.require(real, "it rounds values to integers");
                yield node.computed(0);
            }
            case "Flatten" -> {
                Computed x = node.computed(0);
                node.require(ShapeArithmetic.flattenAxis(proto, x.shape().length) == 1, "it joins images");
                yield reshaped(x, Known.BATCH, x.perImage());
            }
            case "Reshape" -> reshape(node.computed(0), node.known(1).requireNumbers());
            case "Squeeze" -> {
                Computed x = node.computed(0);
                long[] axes = ShapeArithmetic.axes(proto, node.inputs());
                yield reshaped(x, ShapeArithmetic.squeezed(x.shape(), axes));
            }
            case "Unsqueeze" -> {
                Computed x = node.computed(0);
                long[] shape = ShapeArithmetic.unsqueezed(x.shape(), ShapeArithmetic.axes(proto, node.inputs()));
                node.require(shape[0] == Known.BATCH, "it adds a dimension before that of the images");
                yield reshaped(x, shape);
            }
            case "Transpose" -> transpose(node.computed(0));
            case "Concat" -> concat();
            case "Slice" -> slice();
            case "Gather" -> gather();
            case "Pad" -> pad();
            default -> null;
        };
    }

    // ---- shapes ----

    private Computed reshaped(Computed x, long... shape) {
        converter.requireValues(x);
        boolean onePixel = x.view() == View.CHANNELS_LAST && x.base()[2] == 1 && x.base()[3] == 1;
        node.require(x.view() == View.SAME || onePixel, "it reshapes images with channels last");
        return x.as(View.SAME, shape);
    }

    private Computed reshape(Computed x, long[] target) {
        long[] to = target.clone();
        for (int i = 0; i < to.length; i++) {
            if (to[i] == 0 && proto.number("allowzero", 0) == 0 && i < x.shape().length) {
                to[i] = x.shape()[i];
            }
        }
        node.require(to.length > 0, "it makes a single number");
        boolean batchFirst = to[0] == -1 || converter.isBatch(to[0]);
        long rest = x.perImage();
        int open = -1;
        for (int i = 1; i < to.length; i++) {
            if (to[i] == -1) {
                node.require(open < 0 && to[0] != -1, "two sizes are open");
                open = i;
            } else {
                node.require(to[i] > 0 && rest % to[i] == 0, "it joins or cuts images");
                rest /= to[i];
            }
        }
        if (open > 0) {
            to[open] = rest;
            rest = 1;
        }
        node.require(batchFirst && rest == 1, "it joins or cuts images");
        to[0] = Known.BATCH;
        return reshaped(x, to);
    }

    private Computed transpose(Computed x) {
        converter.requireValues(x);
        int rank = x.shape().length;
        long[] order = proto.numbers(
                "perm", IntStream.range(0, rank).mapToLong(i -> rank - 1 - i).toArray());
        long[] shape = x.shape();
        if (Arrays.equals(order, IntStream.range(0, rank).asLongStream().toArray())) {
            return x;
        }
        if (x.isImages() && Arrays.equals(order, new long[] {0, 2, 3, 1})) {
            return x.as(View.CHANNELS_LAST, shape[0], shape[2], shape[3], shape[1]);
        }
        if (x.view() == View.CHANNELS_LAST && Arrays.equals(order, new long[] {0, 3, 1, 2})) {
            return Computed.of(x.value(), x.base());
        }
        boolean groupsOfChannels = x.view() == View.SAME
                && x.base().length == 4
                && (Arrays.equals(order, new long[] {0, 2, 1, 3, 4}) || Arrays.equals(order, new long[] {0, 2, 1, 3}))
                && shape[1] * shape[2] == x.base()[1];
        node.require(groupsOfChannels, "it exchanges dimensions of " + Converter.text(shape));
        int channels = Math.toIntExact(x.base()[1]);
        Computed shuffled = converter.add(
                new ShuffleChannels(channels, Math.toIntExact(shape[1])), x.base(), Computed.of(x.value(), x.base()));
        long[] exchanged = shape.clone();
        exchanged[1] = shape[2];
        exchanged[2] = shape[1];
        return shuffled.as(View.SAME, exchanged);
    }

    // ---- channels ----

    private Computed concat() {
        List<Computed> parts = new ArrayList<>();
        long channels = 0;
        for (int i = 0; i < node.inputs().size(); i++) {
            Computed part = converter.materialized(node.computed(i));
            parts.add(part);
            channels += part.base()[1];
        }
        long[] shape = parts.get(0).base().clone();
        int axis = ShapeArithmetic.axis(proto.number("axis", 1), shape.length);
        node.require(axis == 1, "it joins other than channels");
        for (Computed part : parts) {
            long[] other = part.base().clone();
            node.require(other.length == shape.length, "its inputs do not fit each other");
            other[1] = shape[1];
            node.require(Arrays.equals(other, shape), "its inputs do not fit each other");
        }
        shape[1] = channels;
        return converter.add(new Concat(parts.size()), shape, parts.toArray(Computed[]::new));
    }

    private List<Computed> split() {
        Computed x = converter.images(node.computed(0));
        node.require(ShapeArithmetic.axis(proto.number("axis", 0), 4) == 1, "it cuts other than channels");
        long channels = x.base()[1];
        int count = proto.outputs().size();
        long[] sizes = node.has(1) ? node.known(1).requireFixed() : proto.numbers("split");
        if (sizes.length == 0) {
            long size = (channels + count - 1) / count;
            sizes = new long[count];
            Arrays.fill(sizes, size);
            sizes[count - 1] = channels - size * (count - 1);
        }
        node.require(sizes.length == count && Arrays.stream(sizes).sum() == channels, "its parts are not its input");
        List<Computed> parts = new ArrayList<>();
        long from = 0;
        for (long size : sizes) {
            parts.add(channels(x, from, from + size));
            from += size;
        }
        return parts;
    }

    private Computed channels(Computed x, long from, long to) {
        long[] shape = x.base().clone();
        node.require(from >= 0 && from < to && to <= shape[1], "it takes channels that are not there");
        shape[1] = to - from;
        return converter.add(new SliceChannels(Math.toIntExact(from), Math.toIntExact(to)), shape, x);
    }

    private Computed slice() {
        Computed x = converter.images(node.computed(0));
        long[] starts = node.has(1) ? node.known(1).requireFixed() : proto.numbers("starts");
        long[] ends = node.has(2) ? node.known(2).requireFixed() : proto.numbers("ends");
        long[] axes = node.has(3)
                ? node.known(3).requireFixed()
                : proto.numbers(
                        "axes", IntStream.range(0, starts.length).asLongStream().toArray());
        boolean steps =
                node.has(4) && Arrays.stream(node.known(4).requireFixed()).anyMatch(step -> step != 1);
        boolean one = starts.length == 1 && ends.length == 1 && axes.length == 1;
        node.require(one && !steps && ShapeArithmetic.axis(axes[0], 4) == 1, "it takes parts of other than channels");
        long channels = x.base()[1];
        return channels(x, ShapeArithmetic.bounded(starts[0], channels), ShapeArithmetic.bounded(ends[0], channels));
    }

    /** Covers the order in which {@link ShuffleChannels} writes channels. */
    private Computed gather() {
        Computed x = converter.images(node.computed(0));
        long[] order = node.known(1).requireFixed();
        int channels = Math.toIntExact(x.base()[1]);
        node.require(
                ShapeArithmetic.axis(proto.number("axis", 0), 4) == 1
                        && node.known(1).shape().length == 1
                        && order.length == channels
                        && channels > 1,
                "it takes parts of other than channels");
        int perGroup = Math.toIntExact(order[1]);
        node.require(perGroup > 0 && channels % perGroup == 0, "it reorders channels in no regular way");
        int groups = channels / perGroup;
        for (int i = 0; i < channels; i++) {
            node.require(
                    order[i] == (long) i % groups * perGroup + i / groups, "it reorders channels in no regular way");
        }
        return converter.add(new ShuffleChannels(channels, groups), x.base(), x);
    }

    private Computed pad() {
        long[] pads = node.has(1) ? node.known(1).requireFixed() : proto.numbers("pads");
        if (Arrays.stream(pads).allMatch(pad -> pad == 0)) { // PyTorch 1 wrote such before each average
            return node.computed(0);
        }
        Computed x = converter.images(node.computed(0));
        double value = node.has(2) ? node.known(2).scalar() : proto.real("value", 0);
        node.require(
                proto.text("mode", "constant").equals("constant") && value == 0 && pads.length == 8 && !node.has(3),
                "it adds other than zeros around images");
        node.require(pads[0] == 0 && pads[1] == 0 && pads[4] == 0 && pads[5] == 0, "it adds images or channels");
        node.require(Arrays.stream(pads).allMatch(pad -> pad >= 0 && pad < 1 << 20), "it cuts images");
        long[] sides = {pads[2], pads[3], pads[6], pads[7]};
        converter.pad(proto.output(), sides);
        long[] shape = x.base().clone();
        shape[2] += sides[0] + sides[2];
        shape[3] += sides[1] + sides[3];
        return x.as(View.PADDED, shape);
    }
}
