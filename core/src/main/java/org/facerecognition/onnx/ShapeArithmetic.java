package org.facerecognition.onnx;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;

/**
 * Computes nodes whose inputs are known: constants in another shape or type, and the arithmetic of shapes that
 * exporters write out.
 */
final class ShapeArithmetic {
    private ShapeArithmetic() {}

    /**
     * Returns a node's value.
     *
     * @param inputs of the node; null for those that are absent
     * @return null if this class does not know the operator
     */
    static @Nullable Known of(NodeProto node, List<@Nullable Known> inputs) {
        return switch (node.type()) {
            case "Constant" -> constant(node);
            case "ConstantOfShape" -> {
                long[] shape = first(inputs).requireFixed();
                NodeProto.Attribute value = node.attributes().get("value");
                Known one = value == null || value.tensor() == null
                        ? Known.ofReals(new long[0], new float[1])
                        : Known.of(value.tensor()).reshaped();
                yield one.with(Known.ofNumbers(shape, new long[count(shape)]), (a, b) -> a);
            }
            case "Identity", "Dropout" -> first(inputs);
            case "Cast" -> cast(node, first(inputs));
            case "Reshape" ->
                reshape(node, first(inputs), requireInput(inputs, 1).requireFixed());
            case "Flatten" -> {
                Known input = first(inputs);
                int axis = flattenAxis(node, input.shape().length);
                long rows = Arrays.stream(input.shape()).limit(axis).reduce(1, (a, b) -> a * b);
                yield input.reshaped(rows, rows == 0 ? 0 : input.count() / rows);
            }
            case "Transpose" -> {
                Known input = first(inputs);
                int rank = input.shape().length;
                yield input.transposed(node.numbers(
                        "perm",
                        IntStream.range(0, rank).mapToLong(i -> rank - 1 - i).toArray()));
            }
            case "Unsqueeze" -> {
                Known input = first(inputs);
                yield input.reshaped(unsqueezed(input.shape(), axes(node, inputs)));
            }
            case "Squeeze" -> {
                Known input = first(inputs);
                yield input.reshaped(squeezed(input.shape(), axes(node, inputs)));
            }
            case "Concat" -> {
                List<Known> parts = IntStream.range(0, inputs.size())
                        .mapToObj(i -> requireInput(inputs, i))
                        .toList();
                yield axis(node.number("axis", 0), first(inputs).shape().length) == 0 ? Known.joined(parts) : null;
            }
            case "Gather" -> {
                Known indices = requireInput(inputs, 1);
                yield axis(node.number("axis", 0), first(inputs).shape().length) == 0
                        ? first(inputs).gathered(indices.shape(), indices.requireFixed())
                        : null;
            }
            case "Slice" -> slice(node, inputs);
            case "Add" -> first(inputs).with(requireInput(inputs, 1), (a, b) -> a + b);
            case "Sub" -> first(inputs).with(requireInput(inputs, 1), (a, b) -> a - b);
            case "Mul" -> first(inputs).with(requireInput(inputs, 1), (a, b) -> a * b);
            case "Div" -> first(inputs).with(requireInput(inputs, 1), (a, b) -> a / b);
            case "Neg" -> first(inputs).with(first(inputs), (a, b) -> -a);
            case "Sqrt" -> first(inputs).asReals().with(first(inputs).asReals(), (a, b) -> Math.sqrt(a));
            case "Floor" -> first(inputs).with(first(inputs), (a, b) -> Math.floor(a));
            default -> null;
        };
    }

    private static Known constant(NodeProto node) {
        for (var attribute : node.attributes().entrySet()) {
            NodeProto.Attribute value = attribute.getValue();
            switch (attribute.getKey()) {
                case "value" -> {
                    if (value.tensor() != null) {
                        return Known.of(value.tensor());
                    }
                }
                case "value_int" -> {
                    return Known.ofNumbers(new long[0], value.number());
                }
                case "value_float" -> {
                    return Known.ofReals(new long[0], new float[] {value.real()});
                }
                case "value_ints" -> {
                    return Known.ofNumbers(new long[] {value.numbers().length}, value.numbers());
                }
                case "value_floats" -> {
                    return Known.ofReals(new long[] {value.reals().length}, value.reals());
                }
                default -> {
                    // another kind of constant
                }
            }
        }
        throw new Uncovered("it is a constant of another kind than numbers");
    }

    /** Covers the types of weights and of shapes; in smaller integers, numbers that are too large would wrap. */
    private static Known cast(NodeProto node, Known input) {
        int to = (int) node.number("to", TensorProto.FLOAT);
        return switch (to) {
            case TensorProto.INT64, TensorProto.INT32 -> input.asNumbers();
            case TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.BFLOAT16, TensorProto.DOUBLE -> input.asReals();
            default -> throw new Uncovered("it converts a constant to type " + to);
        };
    }

    private static Known reshape(NodeProto node, Known input, long[] target) {
        long[] to = target.clone();
        long rest = input.count();
        int open = -1;
        for (int i = 0; i < to.length; i++) {
            if (to[i] == 0 && node.number("allowzero", 0) == 0 && i < input.shape().length) {
                to[i] = input.shape()[i];
            }
            if (to[i] == -1) {
                open = i;
            } else {
                rest = to[i] == 0 ? 0 : rest / to[i];
            }
        }
        if (open >= 0) {
            to[open] = rest;
        }
        return input.reshaped(to);
    }

    /** Slices of the first dimension. */
    private static @Nullable Known slice(NodeProto node, List<@Nullable Known> inputs) {
        Known input = first(inputs);
        long[] starts = has(inputs, 1) ? requireInput(inputs, 1).requireFixed() : node.numbers("starts");
        // the least integer, the end of what is turned around, is not the number of images there
        long[] ends = has(inputs, 2) ? requireInput(inputs, 2).requireNumbers() : node.numbers("ends");
        long[] axes = has(inputs, 3) ? requireInput(inputs, 3).requireFixed() : node.numbers("axes", 0);
        long[] steps = has(inputs, 4) ? requireInput(inputs, 4).requireFixed() : new long[] {1};
        boolean one = starts.length == 1 && ends.length == 1 && axes.length == 1 && steps.length == 1;
        if (!one || steps[0] == 0 || axis(axes[0], input.shape().length) != 0) {
            return null;
        }
        if (ends[0] == Known.BATCH && steps[0] > 0) {
            throw new Uncovered("it depends on the number of images");
        }
        long size = input.shape()[0];
        long step = steps[0];
        long last = step > 0 ? size : size - 1;
        long from = Math.min(last, bounded(starts[0], size));
        long to = ends[0] + (ends[0] < 0 ? size : 0);
        long distance = step > 0 ? Math.min(size, to) - from : from - Math.max(-1, to);
        long count = distance <= 0 ? 0 : (distance - 1) / Math.abs(step) + 1;
        long[] indices = LongStream.iterate(from, i -> i + step)
                .limit(count(new long[] {count}))
                .toArray();
        return input.gathered(new long[] {count}, indices);
    }

    private static boolean has(List<@Nullable Known> inputs, int index) {
        return index < inputs.size() && inputs.get(index) != null;
    }

    /** Returns an index as slices count: from the end if it is negative, and within the dimension. */
    static long bounded(long index, long size) {
        return Math.max(0, Math.min(size, index < 0 ? index + size : index));
    }

    /** Returns an axis counted from the first. */
    static int axis(long axis, int rank) {
        long counted = axis < 0 ? axis + rank : axis;
        if (counted < 0 || counted >= Math.max(1, rank)) {
            throw new Uncovered("its axis must be one of " + rank + ", but was " + axis);
        }
        return (int) counted;
    }

    /** Returns the first axis that Flatten joins with those after it; the rank, if there is none. */
    static int flattenAxis(NodeProto node, int rank) {
        long axis = node.number("axis", 1);
        return axis == rank ? rank : axis(axis, rank);
    }

    /** Returns a node's axes: an input since operator set 13, or 18, and an attribute before. */
    static long @Nullable [] axes(NodeProto node, List<? extends @Nullable Datum> inputs) {
        if (inputs.size() > 1 && inputs.get(1) instanceof Known axes) {
            return axes.requireFixed();
        }
        return node.has("axes") ? node.numbers("axes") : null;
    }

    static long[] unsqueezed(long[] shape, long @Nullable [] axes) {
        if (axes == null || axes.length > 8) {
            throw new Uncovered("it does not say which axes to add");
        }
        int rank = shape.length + axes.length;
        boolean[] added = new boolean[rank];
        for (long axis : axes) {
            added[axis(axis, rank)] = true;
        }
        long[] result = new long[rank];
        int next = 0;
        for (int i = 0; i < rank; i++) {
            if (!added[i] && next == shape.length) {
                throw new Uncovered("it adds an axis twice");
            }
            result[i] = added[i] ? 1 : shape[next++];
        }
        return result;
    }

    /** @param axes null for all dimensions of size 1 */
    static long[] squeezed(long[] shape, long @Nullable [] axes) {
        boolean[] dropped = new boolean[shape.length];
        if (axes == null) {
            for (int i = 0; i < shape.length; i++) {
                dropped[i] = shape[i] == 1;
            }
        } else {
            for (long axis : axes) {
                int index = axis(axis, shape.length);
                if (shape.length == 0 || shape[index] != 1) {
                    throw new Uncovered("it drops axis " + axis + " of " + Arrays.toString(shape));
                }
                dropped[index] = true;
            }
        }
        return IntStream.range(0, shape.length)
                .filter(i -> !dropped[i])
                .mapToLong(i -> shape[i])
                .toArray();
    }

    private static int count(long[] shape) {
        long count = Known.product(shape);
        if (count < 0 || count > 1 << 24 || Arrays.stream(shape).anyMatch(size -> size < 0 || size > 1 << 24)) {
            throw new Uncovered("it makes a constant of the shape " + Arrays.toString(shape));
        }
        return (int) count;
    }

    private static Known first(List<@Nullable Known> inputs) {
        return requireInput(inputs, 0);
    }

    private static Known requireInput(List<@Nullable Known> inputs, int index) {
        Known input = index < inputs.size() ? inputs.get(index) : null;
        if (input == null) {
            throw new Uncovered("it has no input " + (index + 1));
        }
        return input;
    }
}
