package org.facerecognition.eval;

/**
 * A nearest-mean classifier for closed-set identification, where all people are known: assigns each face to the
 * identity whose mean embedding is nearest by cosine.
 */
public final class ClosedSet {
    private static final float[] NONE = {}; // of an identity without faces, or whose embeddings cancel out

    private final float[][] centers; // unit-norm, or NONE

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
        float[][] centers = new float[classes][];
        for (int c = 0; c < classes; c++) {
            double squares = 0;
            for (int j = 0; j < d; j++) {
                squares += (double) sums[c * d + j] * sums[c * d + j];
            }
            centers[c] = squares > 0 ? new float[d] : NONE;
            for (int j = 0; j < centers[c].length; j++) {
                centers[c][j] = (float) (sums[c * d + j] / Math.sqrt(squares));
            }
        }
        return new ClosedSet(centers);
    }

    /**
     * Returns the label of the nearest identity; of several at the same distance, the first.
     *
     * @throws IllegalArgumentException when the embedding is zero or not finite, or of another length than those of the
     *     identities
     */
    public int identify(float[] embedding) {
        Verification.norm(embedding);
        int best = 0;
        double highest = Double.NEGATIVE_INFINITY;
        for (int c = 0; c < centers.length; c++) {
            if (centers[c] == NONE) {
                continue;
            }
            double dot = Verification.dot(embedding, centers[c]);
            if (dot > highest) {
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
