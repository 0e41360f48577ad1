package org.facerecognition.gallery;

import java.util.List;

/** L2-normalizes embeddings, so that their cosine is a dot product, and checks stored ones. */
final class UnitVector {
    private static final double TOLERANCE = 1e-3; // rounding 65,536 values to floats causes less
    private static final double ROUNDING = 1.5e-7; // of squares that sum to 1; rounding to floats causes 2^-23 at most

    private UnitVector() {}

    /**
     * L2-normalizes an embedding. One that is L2-normalized as precisely as floats can be is not changed, so that an
     * embedding that is taken from one gallery to another stays the same to the last bit.
     *
     * @param what names the embedding in messages
     * @return a new array
     */
    static float[] of(float[] values, int dimension, String what) {
        if (values.length != dimension) {
            throw new IllegalArgumentException(
                    what + " must have " + dimension + " values like this gallery's, but has " + values.length);
        }
        double squares = 0;
        for (int i = 0; i < values.length; i++) {
            if (!Float.isFinite(values[i])) {
                throw new IllegalArgumentException(
                        what + " must have finite values, but value " + i + " is " + values[i]);
            }
            squares += (double) values[i] * values[i];
        }
        if (squares == 0) {
            throw new IllegalArgumentException(what + " must not be zero: it has no direction");
        }
        if (Math.abs(squares - 1) <= ROUNDING) {
            return values.clone();
        }
        double factor = 1 / Math.sqrt(squares);
        float[] unit = new float[dimension];
        for (int i = 0; i < dimension; i++) {
            unit[i] = (float) (values[i] * factor);
        }
        return unit;
    }

    /** Returns the L2-normalized mean of vectors; one vector is its own mean. */
    static float[] mean(List<float[]> units) {
        if (units.size() == 1) {
            return units.get(0);
        }
        float[] sum = new float[units.get(0).length];
        for (float[] unit : units) {
            for (int i = 0; i < sum.length; i++) {
                sum[i] += unit[i];
            }
        }
        return of(sum, sum.length, "mean");
    }

    /** Returns the cosine of two L2-normalized vectors in double precision, added up in the order of their values. */
    static double cosine(float[] a, float[] b) {
        double dot = 0;
        for (int i = 0; i < a.length; i++) {
            dot += (double) a[i] * b[i];
        }
        return Math.max(-1, Math.min(1, dot));
    }

    /**
     * Checks a stored embedding.
     *
     * @throws IllegalArgumentException if its norm is not approximately 1, or is NaN
     */
    static void check(float[] unit) {
        double squares = squares(unit);
        if (!isOne(squares)) {
            throw new IllegalArgumentException("a stored embedding must have a squared norm of 1, but has " + squares);
        }
    }

    /** Returns the squared norm of a vector; NaN or infinite if one of its values is. */
    static double squares(float[] values) {
        double squares = 0;
        for (float value : values) {
            squares += (double) value * value;
        }
        return squares;
    }

    /** Returns whether a squared norm is approximately 1. */
    static boolean isOne(double squares) {
        return Math.abs(squares - 1) <= TOLERANCE;
    }
}
