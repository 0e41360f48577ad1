package org.facerecognition.losses;

import java.util.Arrays;
import org.bytedeco.pytorch.LongArrayRef;
import org.bytedeco.pytorch.Tensor;

/** Formats tensor shapes for messages. */
final class Shapes {
    private Shapes() {}

    /** Returns a shape as text, such as {@code [2, 512]}. */
    static String of(Tensor tensor) {
        try (LongArrayRef sizes = tensor.sizes()) {
            long[] shape = new long[(int) tensor.dim()];
            for (int i = 0; i < shape.length; i++) {
                shape[i] = sizes.get(i);
            }
            return Arrays.toString(shape);
        }
    }
}
