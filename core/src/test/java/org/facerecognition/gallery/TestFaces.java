package org.facerecognition.gallery;

import java.util.Random;

/** Drawn embeddings: people are random directions, their images lie about them. */
final class TestFaces {
    private TestFaces() {}

    /** An image of a person: the cosine of two of one person is .7 or so, of two people's at most .4 for 64 values. */
    static float[] of(int person, int picture, int dimension) {
        float[] center = direction(person, dimension);
        float[] noise = direction(1_000_003L * (person + 1) + picture, dimension);
        for (int i = 0; i < dimension; i++) {
            center[i] += .65f * noise[i];
        }
        return center;
    }

    /** Of norm 1. */
    static float[] direction(long seed, int dimension) {
        Random random = new Random(seed * 2_654_435_761L + 17);
        float[] values = new float[dimension];
        double squares = 0;
        for (int i = 0; i < dimension; i++) {
            values[i] = (float) random.nextGaussian();
            squares += values[i] * values[i];
        }
        for (int i = 0; i < dimension; i++) {
            values[i] /= (float) Math.sqrt(squares);
        }
        return values;
    }

    static double cosine(float[] a, float[] b) {
        double dot = 0;
        double x = 0;
        double y = 0;
        for (int i = 0; i < a.length; i++) {
            dot += (double) a[i] * b[i];
            x += (double) a[i] * a[i];
            y += (double) b[i] * b[i];
        }
        return dot / Math.sqrt(x * y);
    }
}
