package org.facerecognition.natives;

import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** The precision of convolutions and matrix products in training. Heads always compute in float32. */
public enum Precision {
    /** 32-bit floating point. */
    FP32(ScalarType.Float),
    /** bfloat16 by autocast: faster on GPUs and on CPUs with AMX, slower on others; see {@link #gigaflops}. */
    BF16(ScalarType.BFloat16);

    private static final int SIDE = 1024;
    private static final int TRIES = 10;
    private static final long MAX_NANOS = 2_000_000_000L; // without bf16 instructions a product takes seconds

    private final ScalarType type;

    Precision(ScalarType type) {
        this.type = type;
    }

    /**
     * Measures how fast the CPU of this machine multiplies matrices in this precision: the best of up to ten products
     * of 1024x1024 matrices, within about two seconds. If bf16 is not faster than fp32 here, it is not faster in
     * training either.
     *
     * @return 1e9 floating-point operations per second
     * @throws IllegalStateException if libtorch cannot be loaded, see {@link Libtorch#load}
     */
    public double gigaflops() {
        Libtorch.load();
        double best = 0;
        long end = System.nanoTime() + MAX_NANOS;
        for (int i = 0; i < TRIES && (i == 0 || System.nanoTime() < end); i++) {
            try (PointerScope scope = new PointerScope();
                    NoGradGuard noGrad = new NoGradGuard()) {
                Tensor a = torch.ones(SIDE, SIDE).to(type);
                Tensor b = torch.ones(SIDE, SIDE).to(type);
                long start = System.nanoTime();
                torch.mm(a, b);
                best = Math.max(best, 2.0 * SIDE * SIDE * SIDE / (System.nanoTime() - start));
            }
        }
        return best;
    }
}
