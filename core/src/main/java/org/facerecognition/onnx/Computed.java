package org.facerecognition.onnx;

import java.util.Arrays;
import org.facerecognition.graph.Value;

/**
 * A value that depends on the images.
 *
 * @param value of the graph that is being made: [B, C, H, W] or [B, D]
 * @param base the shape of that value
 * @param shape as ONNX sees it. It has the same values in the same row-major order, unless {@code view} says otherwise
 * @param view how ONNX sees it
 */
record Computed(Value value, long[] base, long[] shape, View view) implements Datum {
    /** What a value of ONNX is of the graph's value. */
    enum View {
        /** The same values in the same order. */
        SAME,
        /** Images with their channels last: [B, H, W, C]. */
        CHANNELS_LAST,
        /** Images with zeros around them, which a convolution or a pooling adds. */
        PADDED,
        /** The Euclidean norms of the rows, [B, 1] or [B, 1, 1, 1], or of the same at least a small number. */
        NORM,
        /** erf(x / sqrt(2)). */
        ERF,
        /** 1 + erf(x / sqrt(2)). */
        ONE_PLUS_ERF,
        /** log(1 + exp(x)). */
        SOFTPLUS,
        /** tanh(log(1 + exp(x))). */
        TANH_SOFTPLUS
    }

    static Computed of(Value value, long... shape) {
        return new Computed(value, shape, shape, View.SAME);
    }

    Computed as(View view, long... shape) {
        return new Computed(value, base, shape, view);
    }

    boolean isImages() {
        return view == View.SAME && shape.length == 4 && Arrays.equals(shape, base);
    }

    /** Returns whether this is rows as [B, D, 1], or images as [B, C, H * W]. */
    boolean isFlat() {
        boolean ofImages = base.length == 4 && shape.length == 3 && shape[1] == base[1];
        boolean ofRows = shape.length == 3 && shape[1] == perImage() && shape[2] == 1;
        return view == View.SAME && (ofImages || ofRows);
    }

    /** Returns this, which has as many values, in the shape of another value if that is {@linkplain #isFlat flat}. */
    Computed flatAs(Computed other) {
        return other.isFlat() ? as(View.SAME, other.shape) : this;
    }

    /** Returns the number of values per image. */
    long perImage() {
        return Arrays.stream(base).skip(1).reduce(1, (a, b) -> a * b);
    }
}
