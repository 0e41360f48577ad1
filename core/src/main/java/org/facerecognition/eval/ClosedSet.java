package org.facerecognition.eval;

/**
 * A nearest-mean classifier for closed-set identification, where all people are known: assigns each face to the
 * identity whose mean embedding is nearest by cosine.
 */
public final class ClosedSet {
    private final float[][] centers; // unit-norm; all zero for an identity without faces

    private ClosedSet(float[][] centers) {
        this.centers = centers;
    }

    /**
     * Computes the mean embedding of each identity.
     *
     * @param known faces of all identities to choose from
     */
    public static ClosedSet of(Embedded known) {
        int classes = 0;
        for (int label : known.labels()) {
            classes = Math.max(classes, label + 1);
        }
        int d = known.embeddings()[0].length;
        float[] sums = known.classMeans(classes);
        float[][] centers = new float[classes][d];
        for (int c = 0; c < classes; c++) {
            double squares = 0;
            for (int j = 0; j < d; j++) {
                squares += (double) sums[c * d + j] * sums[c * d + j];
            }
            double norm = squares > 0 ? Math.sqrt(squares) : 1;
            for (int j = 0; j < d; j++) {
                centers[c][j] = (float) (sums[c * d + j] / norm);
            }
        }
        return new ClosedSet(centers);
    }

    /** Returns the label of the nearest identity; of several at the same distance, the first. */
    public int identify(float[] embedding) {
        int best = 0;
        double highest = Double.NEGATIVE_INFINITY;
        for (int c = 0; c < centers.length; c++) {
            double dot = 0;
            double norm = 0;
            for (int j = 0; j < embedding.length; j++) {
                dot += (double) embedding[j] * centers[c][j];
                norm += Math.abs(centers[c][j]);
            }
            if (norm > 0 && dot > highest) { // not an identity without faces
                highest = dot;
                best = c;
            }
        }
        return best;
    }

    /** Returns the share of faces that are assigned to the correct identity. */
    public double accuracy(Embedded faces) {
        int correct = 0;
        for (int i = 0; i < faces.labels().length; i++) {
            correct += identify(faces.embeddings()[i]) == faces.labels()[i] ? 1 : 0;
        }
        return (double) correct / faces.labels().length;
    }
}
