package org.facerecognition.weights;

import java.util.Arrays;
import java.util.function.Consumer;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * A tensor that is written to a file in parts, so that not all of it has to be in memory.
 *
 * @param type of its values
 * @param shape of all parts together
 * @param parts passes the parts to a consumer, which borrows them, in the order of their rows
 */
public record TensorParts(ScalarType type, long[] shape, Consumer<Consumer<Tensor>> parts) {
    /** Returns a tensor in one part; borrowed. */
    public static TensorParts of(Tensor tensor) {
        return new TensorParts(tensor.scalar_type(), Shape.of(tensor).toArray(), writer -> writer.accept(tensor));
    }

    /** Returns the number of values of all parts together. */
    long values() {
        return Arrays.stream(shape).reduce(1, (a, b) -> a * b);
    }
}
