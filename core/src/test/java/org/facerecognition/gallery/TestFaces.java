package org.facerecognition.gallery;

import java.util.Random;

/** Synthetic embeddings: a person is a random direction, and the images of a person are noisy versions of it. */
final class TestFaces {
    private TestFaces() {}

    /**
     * Returns an image of a person. With 64 values, the cosine of two images is about 0.7 for one person and at most
     * 0.4 for two people.
     */
    static float[] of(int person, int image, int dimension) {
        float[] center = direction(person, dimension);
        float[] noise = direction(1_000_003L * (person + 1) + image, dimension);
        for (int i = 0; i < dimension; i++) {
            center[i] += 0.65f * noise[i];
        }
        return center;
    }

    /** Returns a unit-norm random vector. */
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
