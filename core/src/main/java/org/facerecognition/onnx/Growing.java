package org.facerecognition.onnx;

import java.util.Arrays;

/** Integers or real numbers that grow as they are read. */
final class Growing {
    private long[] numbers = new long[0];
    private double[] reals = new double[0];
    private int count;

    void add(long number) {
        if (count == numbers.length) {
            numbers = Arrays.copyOf(numbers, Math.max(8, 2 * count));
        }
        numbers[count++] = number;
    }

    void add(double real) {
        if (count == reals.length) {
            reals = Arrays.copyOf(reals, Math.max(8, 2 * count));
        }
        reals[count++] = real;
    }

    /** Returns how many values there are. */
    int count() {
        return count;
    }

    long[] numbers() {
        return Arrays.copyOf(numbers, count);
    }

    double[] reals() {
        return Arrays.copyOf(reals, count);
    }

    /** Returns real numbers of single precision. */
    float[] floats() {
        float[] floats = new float[count];
        for (int i = 0; i < count; i++) {
            floats[i] = (float) reals[i];
        }
        return floats;
    }
}
