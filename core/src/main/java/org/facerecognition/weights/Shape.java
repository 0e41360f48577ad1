package org.facerecognition.weights;

import java.util.Arrays;
import java.util.List;
import org.bytedeco.pytorch.Tensor;

/** The shape of a tensor, to compare and to print. */
record Shape(List<Long> sizes) {
    static Shape of(long... sizes) {
        return new Shape(Arrays.stream(sizes).boxed().toList());
    }

    static Shape of(Tensor tensor) {
        long[] sizes = new long[(int) tensor.dim()];
        for (int i = 0; i < sizes.length; i++) {
            sizes[i] = tensor.size(i);
        }
        return of(sizes);
    }

    long[] toArray() {
        return sizes.stream().mapToLong(Long::longValue).toArray();
    }

    @Override
    public String toString() {
        return sizes.toString();
    }
}
