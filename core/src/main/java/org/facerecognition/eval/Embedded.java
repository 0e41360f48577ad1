package org.facerecognition.eval;

/**
 * Embeddings of faces, with who each is of.
 *
 * @param embeddings [n][d], each of length 1
 * @param labels [n], from 0
 */
public record Embedded(float[][] embeddings, int[] labels) {
    /** @throws IllegalArgumentException when the numbers differ or there are none */
    public Embedded {
        if (embeddings.length != labels.length || embeddings.length == 0) {
            throw new IllegalArgumentException("embeddings and labels must be as many and at least one, but were "
                    + embeddings.length + " and " + labels.length);
        }
    }

    /**
     * The sum of each identity's embeddings, row by row: [classes * d]. Its direction is that of their mean; of an identity
     * without faces all zero.
     *
     * @param classes above all labels
     */
    public float[] classMeans(int classes) {
        int d = embeddings[0].length;
        double[] sums = new double[classes * d];
        for (int i = 0; i < labels.length; i++) {
            for (int j = 0; j < d; j++) {
                sums[labels[i] * d + j] += embeddings[i][j];
            }
        }
        float[] means = new float[sums.length];
        for (int i = 0; i < sums.length; i++) {
            means[i] = (float) sums[i];
        }
        return means;
    }
}
