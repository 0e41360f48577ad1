package org.facerecognition.eval;

import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.function.IntUnaryOperator;
import java.util.stream.IntStream;
import org.facerecognition.natives.ParallelStreams;

/**
 * A k-nearest-neighbors classifier: assigns each face to the identity of most of its nearest known faces by cosine. It
 * tests the local structure of the embeddings, unlike {@link ClosedSet}, which only compares with means.
 */
public final class NearestNeighbors {
    private final Embedded known;
    private final double[] norms;
    private final int k;

    private NearestNeighbors(Embedded known, int k) {
        this.known = known;
        this.norms = Verification.norms(known.embeddings());
        this.k = k;
    }

    /**
     * Returns a classifier by these faces.
     *
     * @param known faces with their identities
     * @param k number of neighbors that vote, at least 1; all faces when there are fewer
     * @throws IllegalArgumentException when {@code k} is less than 1, or an embedding is zero or not finite
     */
    public static NearestNeighbors of(Embedded known, int k) {
        if (k < 1) {
            throw new IllegalArgumentException("k must be at least 1, but was " + k);
        }
        return new NearestNeighbors(known, k);
    }

    /**
     * Returns the label with the most votes; among equal votes, the one with the highest sum of cosines.
     *
     * @throws IllegalArgumentException when the embedding is zero or not finite, or of another length than the known
     *     ones
     */
    public int identify(float[] embedding) {
        Verification.norm(embedding);
        return identify(embedding, -1);
    }

    /** Identifies a face without one of the known faces, or with all of them when {@code leftOut} is negative. */
    private int identify(float[] embedding, int leftOut) {
        int[] nearest = new int[Math.min(k, norms.length - (leftOut >= 0 ? 1 : 0))];
        double[] cosines = new double[nearest.length];
        int found = 0;
        for (int i = 0; i < norms.length; i++) {
            double cosine = Verification.dot(embedding, known.embeddings()[i]) / norms[i];
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
        Map<Integer, double[]> votes = new HashMap<>(); // number of votes and sum of cosines, per label
        int best = known.labels()[nearest[0]];
        for (int i = 0; i < nearest.length; i++) {
            double[] vote = votes.computeIfAbsent(known.labels()[nearest[i]], label -> new double[2]);
            vote[0]++;
            vote[1] += cosines[i];
        }
        double[] leading = Objects.requireNonNull(votes.get(best), "vote of the nearest");
        for (Map.Entry<Integer, double[]> candidate : votes.entrySet()) {
            double[] vote = candidate.getValue();
            if (vote[0] > leading[0] || (vote[0] == leading[0] && vote[1] > leading[1])) {
                best = candidate.getKey();
                leading = vote;
            }
        }
        return best;
    }

    /** Returns the share of faces that are assigned to the correct identity. */
    public double accuracy(Embedded faces) {
        return share(faces.labels(), i -> identify(faces.embeddings()[i]));
    }

    /**
     * Returns the accuracy on the known faces themselves, each identified by all others.
     *
     * @throws IllegalArgumentException when there is only one known face
     */
    public double leaveOneOutAccuracy() {
        if (norms.length < 2) {
            throw new IllegalArgumentException("known faces must be at least 2 to leave one out, but were 1");
        }
        return share(known.labels(), i -> identify(known.embeddings()[i], i));
    }

    private static double share(int[] labels, IntUnaryOperator answer) {
        long correct = ParallelStreams.compute(
                IntStream.range(0, labels.length),
                all -> all.filter(i -> answer.applyAsInt(i) == labels[i]).count());
        return (double) correct / labels.length;
    }
}
