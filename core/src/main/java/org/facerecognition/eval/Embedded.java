package org.facerecognition.eval;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

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

    /**
     * One face for each identity that has any: the mean of its faces, brought to length 1. An identity whose faces cancel out is
     * left out.
     */
    public Embedded centroids() {
        int classes = Arrays.stream(labels).max().orElseThrow() + 1;
        int d = embeddings[0].length;
        float[] sums = classMeans(classes);
        List<float[]> means = new ArrayList<>();
        List<Integer> identities = new ArrayList<>();
        for (int c = 0; c < classes; c++) {
            float[] mean = Arrays.copyOfRange(sums, c * d, (c + 1) * d);
            double length = Math.sqrt(Verification.dot(mean, mean));
            if (length > 0) {
                for (int j = 0; j < d; j++) {
                    mean[j] = (float) (mean[j] / length);
                }
                means.add(mean);
                identities.add(c);
            }
        }
        return new Embedded(
                means.toArray(float[][]::new),
                identities.stream().mapToInt(Integer::intValue).toArray());
    }

    /** Some of the faces, in the given order. */
    public Embedded chosen(int... faces) {
        return new Embedded(
                Arrays.stream(faces).mapToObj(i -> embeddings[i]).toArray(float[][]::new),
                Arrays.stream(faces).map(i -> labels[i]).toArray());
    }
}
