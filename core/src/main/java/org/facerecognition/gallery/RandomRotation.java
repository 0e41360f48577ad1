package org.facerecognition.gallery;

import java.util.Random;

/**
 * A fixed pseudorandom rotation, which preserves norms and angles and prefers no direction. It consists of three rounds
 * of random sign changes and a Walsh-Hadamard transform; multiplying by a 512 x 512 matrix would take thirty times as
 * many operations.
 */
final class RandomRotation {
    private static final int ROUNDS = 3;
    private static final long SEED = 0x524F544154494F4EL;

    private final int size;
    private final float[] signs; // [rounds, size]: +-1 / sqrt(size)

    /** @param size number of values of a rotated vector; a power of two */
    RandomRotation(int size) {
        this.size = size;
        this.signs = new float[ROUNDS * size];
        Random random = new Random(SEED);
        float one = (float) (1 / Math.sqrt(size)); // the transform multiplies norms by sqrt(size)
        for (int i = 0; i < signs.length; i++) {
            signs[i] = random.nextBoolean() ? one : -one;
        }
    }

    /**
     * Rotates a vector.
     *
     * @param vector at most {@code size} values; padded with zeros
     * @return [size]
     */
    float[] apply(float[] vector) {
        float[] x = new float[size];
        System.arraycopy(vector, 0, x, 0, vector.length);
        for (int round = 0; round < ROUNDS; round++) {
            for (int i = 0; i < size; i++) {
                x[i] *= signs[round * size + i];
            }
            transform(x);
        }
        return x;
    }

    private void transform(float[] x) {
        for (int half = 1; half < size; half *= 2) {
            for (int start = 0; start < size; start += 2 * half) {
                for (int i = start; i < start + half; i++) {
                    float a = x[i];
                    float b = x[i + half];
                    x[i] = a + b;
                    x[i + half] = a - b;
                }
            }
        }
    }
}
