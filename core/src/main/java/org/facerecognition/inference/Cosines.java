package org.facerecognition.inference;

/** The cosine of embeddings that are not L2-normalized. */
final class Cosines {
    private Cosines() {}

    /** Returns the cosine, or NaN if an embedding is zero or has a NaN. */
    static double of(float[] a, float[] b) {
        double dot = 0;
        double squaresA = 0;
        double squaresB = 0;
        for (int i = 0; i < a.length; i++) {
            dot += (double) a[i] * b[i];
            squaresA += (double) a[i] * a[i];
            squaresB += (double) b[i] * b[i];
        }
        return dot / Math.sqrt(squaresA * squaresB);
    }

    /** Returns the minimum of the cosines of each row with its counterpart; NaN if one of them is. */
    static double min(float[][] a, float[][] b) {
        double min = Double.POSITIVE_INFINITY;
        for (int i = 0; i < a.length; i++) {
            min = Math.min(min, of(a[i], b[i])); // NaN stays NaN
        }
        return min;
    }
}
