package org.facerecognition.eval;

import java.util.Arrays;

/**
 * The question "is this the same person?" over pairs of embeddings.
 *
 * @param same cosines of pairs of the same person
 * @param different cosines of pairs of different people
 */
public record Verification(double[] same, double[] different) {
    /**
     * Compares each embedding with each other.
     *
     * @param embeddings [n][d], of any length but zero
     * @param labels [n], which person each is of
     * @throws IllegalArgumentException when the numbers differ, an embedding is zero or not finite, or there are no
     *     pairs of the same or of different people
     */
    public static Verification ofAllPairs(float[][] embeddings, int[] labels) {
        if (embeddings.length != labels.length) {
            throw new IllegalArgumentException(
                    "labels must be " + embeddings.length + " like the embeddings, but were " + labels.length);
        }
        double[] lengths =
                Arrays.stream(embeddings).mapToDouble(Verification::length).toArray();
        long pairs = (long) labels.length * (labels.length - 1) / 2;
        double[] same = new double[Math.toIntExact(pairs)];
        double[] different = new double[same.length];
        int sames = 0;
        int differents = 0;
        for (int i = 0; i < labels.length; i++) {
            for (int j = 0; j < i; j++) {
                double cosine = dot(embeddings[i], embeddings[j]) / (lengths[i] * lengths[j]);
                if (labels[i] == labels[j]) {
                    same[sames++] = cosine;
                } else {
                    different[differents++] = cosine;
                }
            }
        }
        return new Verification(Arrays.copyOf(same, sames), Arrays.copyOf(different, differents));
    }

    /** How well the cosine tells the two apart. */
    public Roc roc() {
        return Roc.of(same, different);
    }

    private static double length(float[] embedding) {
        double length = Math.sqrt(dot(embedding, embedding));
        if (!(length > 0) || Double.isInfinite(length)) {
            throw new IllegalArgumentException("embeddings must not be zero, infinite or NaN, but one was");
        }
        return length;
    }

    private static double dot(float[] a, float[] b) {
        double sum = 0;
        for (int i = 0; i < a.length; i++) {
            sum += (double) a[i] * b[i];
        }
        return sum;
    }
}
