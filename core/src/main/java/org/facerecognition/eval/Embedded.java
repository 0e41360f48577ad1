package org.facerecognition.eval;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Embeddings of faces with their labels.
 *
 * @param embeddings [n][d], unit-norm
 * @param labels [n], the identity of each face, from 0
 */
public record Embedded(float[][] embeddings, int[] labels) {
    /**
     * @throws IllegalArgumentException when there are no faces, not as many labels as embeddings, or embeddings of
     *     different lengths or without values
     */
    public Embedded {
        if (embeddings.length != labels.length || embeddings.length == 0) {
            throw new IllegalArgumentException("embeddings and labels must have the same length of at least 1, but had "
                    + embeddings.length + " and " + labels.length);
        }
        for (float[] embedding : embeddings) {
            if (embedding.length != embeddings[0].length || embedding.length == 0) {
                throw new IllegalArgumentException(
                        "embeddings must have the same number of values, at least 1, but had " + embeddings[0].length
                                + " and " + embedding.length);
            }
        }
    }

    /**
     * Returns the sum of the embeddings of each identity, which has the direction of their mean. The row of an identity
     * without faces is all zero.
     *
     * @param classes number of identities, above all labels
     * @return [classes * d], row by row
     */
    public float[] classMeans(int classes) {
        int d = embeddings[0].length;
        if ((long) classes * d > Integer.MAX_VALUE) {
            throw new IllegalArgumentException("means of embeddings must be those of at most " + Integer.MAX_VALUE / d
                    + " identities, but there are " + classes);
        }
        double[] sums = new double[classes * d];
        for (int i = 0; i < labels.length; i++) {
            for (int j = 0; j < d; j++) {
                sums[labels[i] * d + j] += embeddings[i][j];
            }
        }
        float[] rows = new float[sums.length];
        for (int i = 0; i < sums.length; i++) {
            rows[i] = (float) sums[i];
        }
        return rows;
    }

    /**
     * Returns one face per identity: the L2-normalized mean of its embeddings. Identities without faces, and identities
     * whose embeddings cancel out, are left out.
     */
    public Embedded centroids() {
        int classes = Arrays.stream(labels).max().orElseThrow() + 1;
        int d = embeddings[0].length;
        float[] sums = classMeans(classes);
        List<float[]> means = new ArrayList<>();
        List<Integer> identities = new ArrayList<>();
        for (int c = 0; c < classes; c++) {
            float[] mean = Arrays.copyOfRange(sums, c * d, (c + 1) * d);
            double norm = Math.sqrt(Verification.dot(mean, mean));
            if (norm > 0) {
                for (int j = 0; j < d; j++) {
                    mean[j] = (float) (mean[j] / norm);
                }
                means.add(mean);
                identities.add(c);
            }
        }
        return new Embedded(
                means.toArray(float[][]::new),
                identities.stream().mapToInt(Integer::intValue).toArray());
    }

    /** Returns the faces with these indices, in this order. */
    public Embedded chosen(int... indices) {
        return new Embedded(
                Arrays.stream(indices).mapToObj(i -> embeddings[i]).toArray(float[][]::new),
                Arrays.stream(indices).map(i -> labels[i]).toArray());
    }
}
