package org.facerecognition.graph;

import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.function.Consumer;
import org.bytedeco.pytorch.MemoryFormatOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * The constant of an operation: weights, a bias, statistics, slopes. Its values are float32 in row-major order. They
 * are computed or read when they are asked for, so that a graph holds no copy of a network's weights.
 *
 * <p>Only constants that are made from tensors use libtorch, and so a graph of others needs none.
 */
public interface Constant {
    /** Returns the sizes of the dimensions; a copy. */
    long[] shape();

    /**
     * Writes all values to a buffer, from its position on.
     *
     * @param target with room for {@link #count} values
     */
    void copyTo(FloatBuffer target);

    /** Returns the number of values. */
    default long count() {
        return Arrays.stream(shape()).reduce(1, (a, b) -> a * b);
    }

    /** Returns the size of a dimension. */
    default long size(int dimension) {
        return shape()[dimension];
    }

    /** Returns a copy of the values. */
    default float[] values() {
        float[] values = new float[Math.toIntExact(count())];
        copyTo(FloatBuffer.wrap(values));
        return values;
    }

    /** Returns the values as a tensor on the CPU, float32, contiguous; scoped. It may share memory with this object. */
    default Tensor tensor() {
        try (TensorOptions options = new TensorOptions(ScalarType.Float); // whatever libtorch's default type is
                MemoryFormatOptional usual = new MemoryFormatOptional()) {
            Tensor tensor = torch.empty(shape(), options, usual);
            copyTo(tensor.createBuffer());
            return tensor;
        }
    }

    /**
     * Returns some of the first dimension's entries.
     *
     * @param from the first of them
     * @param to the end, exclusive
     */
    default Constant slice(long from, long to) {
        return new SlicedConstant(this, from, to);
    }

    /** Returns the same values in another shape with as many values. */
    default Constant reshape(long... shape) {
        return new ComputedConstant(shape, this::copyTo);
    }

    /**
     * Returns values that are read or computed whenever they are asked for.
     *
     * @param values writes all values to a buffer, from its position on
     */
    static Constant of(long[] shape, Consumer<FloatBuffer> values) {
        return new ComputedConstant(shape, values);
    }

    /**
     * Returns a tensor's values.
     *
     * @param tensor of any floating-point type, on any device; borrowed as long as the constant is used
     */
    static Constant of(Tensor tensor) {
        return new TensorConstant(tensor);
    }

    /**
     * Returns an array's values.
     *
     * @param values not copied
     * @throws IllegalArgumentException if the shape has another number of values
     */
    static Constant of(float[] values, long... shape) {
        return of(FloatBuffer.wrap(values), shape);
    }

    /**
     * Returns a buffer's remaining values.
     *
     * @param values not copied; their position is not changed
     * @throws IllegalArgumentException if the shape has another number of values
     */
    static Constant of(FloatBuffer values, long... shape) {
        FloatBuffer own = values.slice();
        Constant constant = new ComputedConstant(shape, target -> target.put(own.duplicate()));
        if (constant.count() != own.remaining()) {
            throw new IllegalArgumentException(
                    "shape must have " + own.remaining() + " values, but was " + Arrays.toString(shape));
        }
        return constant;
    }
}
