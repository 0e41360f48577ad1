package org.facerecognition.graph;

import java.nio.FloatBuffer;
import java.util.function.Consumer;

/** A constant whose values are computed whenever they are asked for. */
final class ComputedConstant implements Constant {
    private final long[] shape;
    private final Consumer<FloatBuffer> values;

    /** @param values writes all values to a buffer */
    ComputedConstant(long[] shape, Consumer<FloatBuffer> values) {
        this.shape = shape.clone();
        this.values = values;
    }

    @Override
    public long[] shape() {
        return shape.clone();
    }

    @Override
    public Constant reshape(long... other) {
        return new ComputedConstant(other, values); // not one within the other: files may have thousands in a row
    }

    @Override
    public void copyTo(FloatBuffer target) {
        values.accept(target);
    }
}
