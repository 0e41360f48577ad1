package org.facerecognition.natives;

import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** The arithmetic of convolutions and matrix products in training; the head is always in float32. */
public enum Precision {
    FP32(ScalarType.Float),
    /** bfloat16 by autocast: faster on GPUs and on CPUs with AMX, slower on others; see {@link #gigaflops}. */
    BF16(ScalarType.BFloat16);

    private static final int SIDE = 1024;
    private static final int TRIES = 10;
    private static final long MAX_NANOS = 2_000_000_000L; // bf16 without instructions for it takes seconds a product

    private final ScalarType type;

    Precision(ScalarType type) {
        this.type = type;
    }

    /**
     * How fast this machine's CPU multiplies matrices in this precision, measured in a moment: the best of some products of
     * 1024x1024. Where bf16 is not faster than fp32 here, it is not in training either.
     *
     * @return in 1e9 operations per second
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
