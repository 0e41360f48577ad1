package org.facerecognition.inference;

import java.io.Serializable;
import org.facerecognition.Recognizer;

/**
 * Options of {@link Recognizer#prepare}.
 *
 * @param arithmetic the precision of the values between layers
 * @param batchSize the maximum number of images that are processed together, at least 1; larger batches run in chunks
 * @param minCosine the minimum cosine between an embedding in lower precision and the same in float32, in (0, 1);
 *     below it, the lower precision is rejected
 */
public record PrepareOptions(Arithmetic arithmetic, int batchSize, double minCosine) implements Serializable {
    /** The precision of the values between layers. */
    public enum Arithmetic {
        /** Half precision if measurements show that it is faster and close enough to float32; otherwise float32. */
        AUTO,
        /** float32. */
        FP32,
        /** bfloat16 on a CPU, float16 on a GPU; slow on processors without instructions for it. */
        HALF,
        /**
         * Convolutions of 8-bit integers, on a CPU, for models that {@link Recognizer#calibrateInt8} has calibrated:
         * for processors without instructions for half precision. It is never chosen by itself.
         */
        INT8
    }

    /** The fastest arithmetic, 16 images at a time, half precision at a cosine of at least 0.999. */
    public static final PrepareOptions DEFAULT = new PrepareOptions(Arithmetic.AUTO, 16, 0.999);

    /** int8, 16 images at a time, at a cosine of at least 0.98 on all faces of the calibration. */
    public static final PrepareOptions INT8 = new PrepareOptions(Arithmetic.INT8, 16, 0.98);

    /** @throws IllegalArgumentException when a value is null or out of its range, naming it */
    public PrepareOptions {
        if (arithmetic == null) {
            throw new IllegalArgumentException("arithmetic must be given, but was null");
        }
        if (batchSize < 1) {
            throw new IllegalArgumentException("batchSize must be at least 1, but was " + batchSize);
        }
        if (!(minCosine > 0 && minCosine < 1)) {
            throw new IllegalArgumentException("minCosine must be in (0, 1), but was " + minCosine);
        }
    }

    /** Returns these options with another arithmetic. */
    public PrepareOptions withArithmetic(Arithmetic arithmetic) {
        return new PrepareOptions(arithmetic, batchSize, minCosine);
    }

    /** Returns these options with another minimum cosine. */
    public PrepareOptions withMinCosine(double minCosine) {
        return new PrepareOptions(arithmetic, batchSize, minCosine);
    }

    /** Returns these options with another batch size. */
    public PrepareOptions withBatchSize(int batchSize) {
        return new PrepareOptions(arithmetic, batchSize, minCosine);
    }
}
