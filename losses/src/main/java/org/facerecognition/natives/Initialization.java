package org.facerecognition.natives;

import java.util.function.Supplier;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.LinearImpl;
import org.bytedeco.pytorch.MemoryFormatOptional;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * Skips the random initialization of layers that are created on this thread. Weights that are about to be read from a
 * file need none, and for large networks it takes longer than reading the file.
 */
public final class Initialization {
    private static final ThreadLocal<Boolean> SKIPPED = ThreadLocal.withInitial(() -> false);

    private Initialization() {}

    /** Returns whether layers leave their weights uninitialized on this thread, because something else fills them. */
    public static boolean isSkipped() {
        return SKIPPED.get();
    }

    /**
     * Creates a linear layer with torch's initialization, or with undefined weights if initialization is skipped.
     *
     * @param inputs the number of values in an input
     * @param outputs the number of values in an output
     * @return owned
     */
    public static LinearImpl linear(long inputs, long outputs) {
        if (!isSkipped()) {
            return new LinearImpl(inputs, outputs);
        }
        LinearImpl linear = new LinearImpl(1, 1); // the constructor always initializes: one value costs nothing
        linear.options().in_features().put(inputs);
        linear.options().out_features().put(outputs);
        resize(linear.weight(), outputs, inputs);
        resize(linear.bias(), outputs);
        return linear;
    }

    /**
     * Gives a parameter another shape and undefined values.
     *
     * @param parameter borrowed
     * @param shape the new shape
     */
    public static void resize(Tensor parameter, long... shape) {
        try (PointerScope scope = new PointerScope();
                NoGradGuard noGrad = new NoGradGuard()) {
            parameter.set_data(torch.empty(shape, parameter.options(), new MemoryFormatOptional()));
        }
    }

    /**
     * Creates something whose weights are all filled afterwards.
     *
     * @param construction creates it; its layers get undefined weights
     * @return the result of the construction
     */
    public static <T> T skippedDuring(Supplier<T> construction) {
        boolean former = SKIPPED.get();
        SKIPPED.set(true);
        try {
            return construction.get();
        } finally {
            SKIPPED.set(former);
        }
    }
}
