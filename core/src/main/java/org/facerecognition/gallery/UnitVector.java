package org.facerecognition.gallery;

/** Embeddings as they are kept and compared: L2-normalized, so that the cosine is a plain sum of products. */
final class UnitVector {
    private static final double TOLERANCE = 1e-3; // floats of 65,536 values err by less

    private UnitVector() {}

    /**
     * @param what for the message
     * @return a new array, of Euclidean norm 1
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
                        what + " must be of finite values, but value " + i + " is " + values[i]);
            }
            squares += (double) values[i] * values[i];
        }
        if (squares == 0) {
            throw new IllegalArgumentException(what + " must not be zero: it has no direction");
        }
        double factor = 1 / Math.sqrt(squares);
        float[] unit = new float[dimension];
        for (int i = 0; i < dimension; i++) {
            unit[i] = (float) (values[i] * factor);
        }
        return unit;
    }

    /**
     * Checks an embedding that was kept.
     *
     * @throws IllegalArgumentException when its norm is not about 1, or no number
     */
    static void check(float[] unit) {
        double squares = 0;
        for (float value : unit) {
            squares += (double) value * value;
        }
        if (!(Math.abs(squares - 1) <= TOLERANCE)) {
            throw new IllegalArgumentException(
                    "an embedding that was kept must have a squared norm of 1, but has " + squares);
        }
    }
}
