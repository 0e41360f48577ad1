package org.facerecognition.eval;

/**
 * The question "which of these people is it?", asked of people who are all known: each face is given to the identity whose
 * mean embedding is nearest by cosine.
 */
public final class ClosedSet {
    private final float[][] centers; // of length 1, or all zero for an identity without faces

    private ClosedSet(float[][] centers) {
        this.centers = centers;
    }

    /** @param known faces of all identities that can be the answer */
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
            double length = squares > 0 ? Math.sqrt(squares) : 1;
            for (int j = 0; j < d; j++) {
                centers[c][j] = (float) (sums[c * d + j] / length);
            }
        }
        return new ClosedSet(centers);
    }

    /** Who it is most likely; with several equally near, the first. */
    public int identify(float[] embedding) {
        int best = 0;
        double highest = Double.NEGATIVE_INFINITY;
        for (int c = 0; c < centers.length; c++) {
            double dot = 0;
            for (int j = 0; j < embedding.length; j++) {
                dot += (double) embedding[j] * centers[c][j];
            }
            if (dot > highest) {
                highest = dot;
                best = c;
            }
        }
        return best;
    }

    /** Share of faces that are given to the right identity. */
    public double accuracy(Embedded faces) {
        int right = 0;
        for (int i = 0; i < faces.labels().length; i++) {
            right += identify(faces.embeddings()[i]) == faces.labels()[i] ? 1 : 0;
        }
        return (double) right / faces.labels().length;
    }
}
