package org.facerecognition.natives;

import java.util.function.Supplier;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.LinearImpl;
import org.bytedeco.pytorch.MemoryFormatOptional;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * Whether weights of layers that are made on this thread are drawn. Those that a file is about to fill are not: for
 * large networks drawing takes longer than reading.
 */
public final class Initialization {
    private static final ThreadLocal<Boolean> SKIPPED = ThreadLocal.withInitial(() -> false);

    private Initialization() {}

    /** Whether layers leave their weights as the memory was, since something else fills them. */
    public static boolean isSkipped() {
        return SKIPPED.get();
    }

    /** A linear layer with torch's initialization, or with undefined weights where initialization is skipped. */
    public static LinearImpl linear(long inputs, long outputs) {
        if (!isSkipped()) {
            return new LinearImpl(inputs, outputs);
        }
        LinearImpl linear = new LinearImpl(1, 1); // its constructor always draws: one value costs nothing
        linear.options().in_features().put(inputs);
        linear.options().out_features().put(outputs);
        resize(linear.weight(), outputs, inputs);
        resize(linear.bias(), outputs);
        return linear;
    }

    /** Gives a parameter another shape and undefined values. */
    public static void resize(Tensor parameter, long... shape) {
        try (PointerScope scope = new PointerScope();
                NoGradGuard noGrad = new NoGradGuard()) {
            parameter.set_data(torch.empty(shape, parameter.options(), new MemoryFormatOptional()));
        }
    }

    /**
     * Makes something whose weights are all filled afterwards.
     *
     * @param construction whose layers have undefined weights
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
