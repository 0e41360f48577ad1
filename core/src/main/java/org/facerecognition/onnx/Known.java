package org.facerecognition.onnx;

import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.function.DoubleBinaryOperator;
import org.facerecognition.graph.Constant;
import org.jspecify.annotations.Nullable;

/**
 * A value of a graph that does not depend on the images: a constant, or what is computed from constants and shapes.
 *
 * @param shape of the values, row-major; empty for a single number
 * @param numbers the values if they are integers, among them {@link #BATCH}; else null
 * @param reals the values if they are not integers; else null
 */
record Known(
        long[] shape, long @Nullable [] numbers, @Nullable Constant reals) implements Datum {
    /** Stands for the number of images, which is not known before the network runs. */
    static final long BATCH = Long.MIN_VALUE;

    private static final long MAX_FOLDED = 1 << 24; // values that are read or computed here at once

    static Known ofNumbers(long[] shape, long... numbers) {
        return new Known(shape, numbers, null);
    }

    static Known ofReals(long[] shape, float[] reals) {
        return new Known(shape, null, Constant.of(reals, shape));
    }

    static Known of(TensorProto tensor) {
        if (TensorProto.bytes(tensor.type()) == 0) {
            throw new Uncovered("constant " + tensor.name() + " is of type " + tensor.type()
                    + ", but must be of integers or of 16, 32 or 64 bit floats");
        }
        if (tensor.isInteger() && product(tensor.shape()) > MAX_FOLDED) { // they are read at once, unlike other numbers
            throw new Uncovered("constant " + tensor.name() + " is of " + tensor.count()
                    + " integers, but must be of at" + " most " + MAX_FOLDED);
        }
        return tensor.isInteger()
                ? ofNumbers(tensor.shape(), tensor.numbers())
                : new Known(tensor.shape(), null, tensor.constant());
    }

    long count() {
        return product(shape);
    }

    /** @throws ArithmeticException if it is too large for any memory */
    static long product(long[] shape) {
        return Arrays.stream(shape).reduce(1, Math::multiplyExact);
    }

    /** Returns integers. */
    long[] requireNumbers() {
        if (numbers == null) {
            throw new Uncovered("it needs integers, but is given other numbers");
        }
        return numbers;
    }

    /** Returns integers among which the number of images is not. */
    long[] requireFixed() {
        if (Arrays.stream(requireNumbers()).anyMatch(number -> number == BATCH)) {
            throw new Uncovered("it depends on the number of images");
        }
        return requireNumbers();
    }

    /** Returns the values as a constant. */
    Constant constant() {
        if (reals != null) {
            return reals;
        }
        long[] fixed = requireFixed();
        float[] floats = new float[fixed.length];
        for (int i = 0; i < floats.length; i++) {
            floats[i] = fixed[i];
        }
        return Constant.of(floats, shape);
    }

    float[] floats() {
        if (count() > MAX_FOLDED) {
            throw new Uncovered("it computes with a constant of " + count() + " values");
        }
        return constant().values();
    }

    /** Returns the only value. */
    double scalar() {
        if (count() != 1) {
            throw new Uncovered("it needs a single number, but is given the shape " + Arrays.toString(shape));
        }
        return floats()[0];
    }

    Known reshaped(long... to) {
        if (product(to) != count()) {
            throw new Uncovered("it reshapes a constant of " + Arrays.toString(shape) + " to " + Arrays.toString(to));
        }
        return new Known(to, numbers, reals == null ? null : reals.reshape(to));
    }

    Known asReals() {
        return reals != null ? this : new Known(shape, null, constant());
    }

    Known asNumbers() {
        if (numbers != null) {
            return this;
        }
        float[] floats = floats();
        long[] result = new long[floats.length];
        for (int i = 0; i < result.length; i++) {
            result[i] = (long) floats[i];
        }
        return ofNumbers(shape, result);
    }

    /** Returns the values that an index function chooses from these, in a new shape. */
    private Known chosen(long[] to, int[] from) {
        if (numbers != null) {
            long[] result = new long[from.length];
            for (int i = 0; i < result.length; i++) {
                result[i] = numbers[from[i]];
            }
            return ofNumbers(to, result);
        }
        float[] all = floats();
        float[] result = new float[from.length];
        for (int i = 0; i < result.length; i++) {
            result[i] = all[from[i]];
        }
        return ofReals(to, result);
    }

    Known transposed(long[] order) {
        int rank = shape.length;
        long[] sorted = order.clone();
        Arrays.sort(sorted);
        long[] to = new long[rank];
        for (int i = 0; i < rank; i++) {
            if (order.length != rank || sorted[i] != i) {
                throw new Uncovered("it transposes " + Arrays.toString(shape) + " by " + Arrays.toString(order));
            }
            to[i] = shape[(int) order[i]];
        }
        int[] from = new int[folded(count())];
        long[] strides = strides(shape);
        for (int i = 0; i < from.length; i++) {
            long rest = i;
            long position = 0;
            for (int axis = rank - 1; axis >= 0; axis--) {
                position += rest % to[axis] * strides[(int) order[axis]];
                rest /= to[axis];
            }
            from[i] = (int) position;
        }
        return chosen(to, from);
    }

    private static int folded(long count) {
        if (count > MAX_FOLDED) {
            throw new Uncovered("it computes with a constant of " + count + " values");
        }
        return (int) count;
    }

    private static long[] strides(long[] shape) {
        long[] strides = new long[shape.length];
        long stride = 1;
        for (int axis = shape.length - 1; axis >= 0; axis--) {
            strides[axis] = stride;
            stride *= shape[axis];
        }
        return strides;
    }

    /** Returns the entries of the first dimension at some indices. */
    Known gathered(long[] indexShape, long[] indices) {
        if (shape.length == 0) {
            throw new Uncovered("it gathers from a single number");
        }
        int entry = folded(shape[0] == 0 ? 0 : count() / shape[0]);
        long[] to = Arrays.copyOf(indexShape, indexShape.length + shape.length - 1);
        System.arraycopy(shape, 1, to, indexShape.length, shape.length - 1);
        int[] from = new int[folded((long) indices.length * entry)];
        for (int i = 0; i < from.length; i++) {
            long index = indices[i / entry] < 0 ? indices[i / entry] + shape[0] : indices[i / entry];
            if (index < 0 || index >= shape[0]) {
                throw new Uncovered("it gathers entry " + index + " of " + shape[0]);
            }
            from[i] = (int) (index * entry + i % entry);
        }
        return chosen(to, from);
    }

    /** Joins values along their first dimension. */
    static Known joined(List<Known> parts) {
        boolean integers = parts.stream().allMatch(part -> part.numbers != null);
        long[] to = parts.get(0).shape.clone();
        long first = 0;
        long count = 0;
        for (Known part : parts) {
            long[] rest = part.shape.clone();
            if (rest.length == 0 || rest.length != to.length) {
                throw new Uncovered("it joins constants of several ranks");
            }
            first += rest[0];
            rest[0] = to[0];
            if (!Arrays.equals(rest, to)) {
                throw new Uncovered("it joins constants of several shapes");
            }
            count += part.count();
            folded(count);
        }
        to[0] = first;
        if (integers) {
            LongBuffer numbers = LongBuffer.allocate(folded(count));
            parts.forEach(part -> numbers.put(part.requireNumbers()));
            return ofNumbers(to, numbers.array());
        }
        FloatBuffer reals = FloatBuffer.allocate(folded(count));
        parts.forEach(part -> reals.put(part.floats()));
        return ofReals(to, reals.array());
    }

    /** Combines values as arrays are combined in NumPy: a dimension of size 1 is repeated. */
    Known with(Known other, DoubleBinaryOperator operator) {
        long[] to = broadcast(shape, other.shape);
        boolean integers = numbers != null && other.numbers != null;
        long[] left = integers ? requireFixed() : new long[0];
        long[] right = integers ? other.requireFixed() : new long[0];
        float[] leftReals = integers ? new float[0] : floats();
        float[] rightReals = integers ? new float[0] : other.floats();
        int count = folded(product(to));
        long[] resultNumbers = new long[integers ? count : 0];
        float[] resultReals = new float[integers ? 0 : count];
        for (int i = 0; i < count; i++) {
            int a = position(i, to, shape);
            int b = position(i, to, other.shape);
            if (integers) {
                resultNumbers[i] = (long) operator.applyAsDouble(left[a], right[b]);
            } else {
                resultReals[i] = (float) operator.applyAsDouble(leftReals[a], rightReals[b]);
            }
        }
        return integers ? ofNumbers(to, resultNumbers) : ofReals(to, resultReals);
    }

    private static long[] broadcast(long[] a, long[] b) {
        long[] to = new long[Math.max(a.length, b.length)];
        for (int i = 1; i <= to.length; i++) {
            long left = i > a.length ? 1 : a[a.length - i];
            long right = i > b.length ? 1 : b[b.length - i];
            if (left != right && left != 1 && right != 1) {
                throw new Uncovered("it combines constants of " + Arrays.toString(a) + " and " + Arrays.toString(b));
            }
            to[to.length - i] = left == 1 ? right : left;
        }
        return to;
    }

    /** Returns the place in an array of what is at a place of the result. */
    private static int position(int index, long[] to, long[] shape) {
        long rest = index;
        long position = 0;
        long stride = 1;
        for (int i = 1; i <= to.length; i++) {
            long at = rest % to[to.length - i];
            rest /= to[to.length - i];
            if (i <= shape.length) {
                long size = shape[shape.length - i];
                position += size == 1 ? 0 : at * stride;
                stride *= size;
            }
        }
        return (int) position;
    }
}
