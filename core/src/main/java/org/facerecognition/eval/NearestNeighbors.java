package org.facerecognition.eval;

import java.util.HashMap;
import java.util.Map;
import java.util.function.IntUnaryOperator;
import java.util.stream.IntStream;

/**
 * Gives a face to the identity that most of its nearest known faces have. Asks more of an embedding's neighborhoods than
 * {@link ClosedSet}, which knows means only.
 */
public final class NearestNeighbors {
    private final Embedded known;
    private final double[] lengths;
    private final int k;

    private NearestNeighbors(Embedded known, int k) {
        this.known = known;
        this.lengths = Verification.lengths(known.embeddings());
        this.k = k;
    }

    /**
     * @param known faces with their identities
     * @param k how many neighbors vote, at least 1; all where there are fewer
     * @throws IllegalArgumentException when {@code k} is less than 1, or an embedding is zero or not finite
     */
    public static NearestNeighbors of(Embedded known, int k) {
        if (k < 1) {
            throw new IllegalArgumentException("k must be at least 1, but was " + k);
        }
        return new NearestNeighbors(known, k);
    }

    /** Who it is most likely: most votes; of several, the highest sum of cosines. */
    public int identify(float[] embedding) {
        return identify(embedding, -1);
    }

    private int identify(float[] embedding, int leftOut) {
        int[] nearest = new int[Math.min(k, lengths.length - (leftOut >= 0 ? 1 : 0))];
        double[] cosines = new double[nearest.length];
        int found = 0;
        for (int i = 0; i < lengths.length; i++) {
            double cosine = Verification.dot(embedding, known.embeddings()[i]) / lengths[i];
            if (i == leftOut || (found == nearest.length && cosine <= cosines[found - 1])) {
                continue;
            }
            int at = found < nearest.length ? found++ : found - 1;
            for (; at > 0 && cosine > cosines[at - 1]; at--) {
                nearest[at] = nearest[at - 1];
                cosines[at] = cosines[at - 1];
            }
            nearest[at] = i;
            cosines[at] = cosine;
        }
        return elected(nearest, cosines);
    }

    private int elected(int[] nearest, double[] cosines) {
        Map<Integer, double[]> votes = new HashMap<>(); // their number and sum
        int best = known.labels()[nearest[0]];
        for (int i = 0; i < nearest.length; i++) {
            double[] vote = votes.computeIfAbsent(known.labels()[nearest[i]], label -> new double[2]);
            vote[0]++;
            vote[1] += cosines[i];
        }
        for (Map.Entry<Integer, double[]> one : votes.entrySet()) {
            double[] most = votes.get(best);
            double[] vote = one.getValue();
            if (vote[0] > most[0] || (vote[0] == most[0] && vote[1] > most[1])) {
                best = one.getKey();
            }
        }
        return best;
    }

    /** Share of faces that are given to the right identity. */
    public double accuracy(Embedded faces) {
        return share(faces.labels(), i -> identify(faces.embeddings()[i], -1));
    }

    /**
     * The same of the known faces themselves, each identified by all others.
     *
     * @throws IllegalArgumentException when there is only one
     */
    public double leaveOneOutAccuracy() {
        if (lengths.length < 2) {
            throw new IllegalArgumentException("known faces must be at least 2 to leave one out, but were 1");
        }
        return share(known.labels(), i -> identify(known.embeddings()[i], i));
    }

    private static double share(int[] labels, IntUnaryOperator answer) {
        long right = IntStream.range(0, labels.length)
                .parallel()
                .filter(i -> answer.applyAsInt(i) == labels[i])
                .count();
        return (double) right / labels.length;
    }
}
