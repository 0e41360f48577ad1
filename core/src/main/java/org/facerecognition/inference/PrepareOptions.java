package org.facerecognition.inference;

import org.facerecognition.Recognizer;

/**
 * How {@link Recognizer#prepare} makes a model ready for use.
 *
 * @param arithmetic between layers
 * @param batchSize most images worked on at a time, at least 1; more are done in turns
 * @param minCosine of an embedding in half precision to that in float32, below which half precision is refused; in (0, 1)
 */
public record PrepareOptions(Arithmetic arithmetic, int batchSize, double minCosine) {
    /** What values between layers are. */
    public enum Arithmetic {
        /** Half precision where that was measured to be faster and close enough, else float32. */
        AUTO,
        FP32,
        /** bfloat16 on a CPU, float16 on a GPU; slow on processors without instructions for it. */
        HALF
    }

    /** Whatever is fastest, 16 at a time, half precision from a cosine of .999 on. */
    public static final PrepareOptions DEFAULT = new PrepareOptions(Arithmetic.AUTO, 16, 0.999);

    public PrepareOptions {
        if (batchSize < 1) {
            throw new IllegalArgumentException("batchSize must be at least 1, but was " + batchSize);
        }
        if (!(minCosine > 0 && minCosine < 1)) {
            throw new IllegalArgumentException("leastCosine must be in (0, 1), but was " + minCosine);
        }
    }

    public PrepareOptions withArithmetic(Arithmetic arithmetic) {
        return new PrepareOptions(arithmetic, batchSize, minCosine);
    }

    public PrepareOptions withBatchSize(int batchSize) {
        return new PrepareOptions(arithmetic, batchSize, minCosine);
    }
}
