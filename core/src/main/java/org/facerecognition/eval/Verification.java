package org.facerecognition.eval;

import java.util.Arrays;
import org.facerecognition.data.UnsuitableDataException;
import org.facerecognition.natives.ParallelStreams;

/**
 * Scored pairs of faces for one-to-one verification ("are these two the same person?"). A higher score means that the
 * same person is more likely. Genuine pairs are of the same person, impostor pairs of different people (ISO/IEC
 * 19795-1). Where the faces of the pairs are known, the hardest errors can be shown.
 */
public final class Verification {
    private static final int MAX_FACES = 65_536; // 2^31 pairs, the longest Java array

    private final double[] scores;
    private final Pairing pairing;

    private Verification(double[] scores, Pairing pairing) {
        this.scores = scores;
        this.pairing = pairing;
    }

    /**
     * Compares every embedding with every other.
     *
     * @param embeddings [n][d], of any norm but zero
     * @param labels [n], the person of each embedding
     * @return all n (n - 1) / 2 pairs, scored by cosine in [-1, 1]
     * @throws IllegalArgumentException when there are not as many labels as embeddings, when there are more than 65,536
     *     embeddings, or when one of them is zero or not finite
     */
    public static Verification ofAllPairs(float[][] embeddings, int[] labels) {
        if (embeddings.length != labels.length) {
            throw new IllegalArgumentException(
                    "labels must be " + embeddings.length + " like the embeddings, but were " + labels.length);
        }
        if (labels.length > MAX_FACES) {
            throw new UnsuitableDataException("faces must be at most " + MAX_FACES
                    + " to compare each with each, but were " + labels.length + "; take fewer of each person");
        }
        double[] norms = norms(embeddings);
        double[] scores = new double[(int) Pairing.AllPairs.pairsBefore(labels.length)];
        ParallelStreams.forEach(0, labels.length, i -> {
            int row = (int) Pairing.AllPairs.pairsBefore(i);
            for (int j = 0; j < i; j++) {
                scores[row + j] = cosine(embeddings, norms, i, j);
            }
        });
        return new Verification(scores, new Pairing.AllPairs(labels.clone()));
    }

    /** Compares every embedding with every other; see {@link #ofAllPairs(float[][], int[])}. */
    public static Verification ofAllPairs(Embedded faces) {
        return ofAllPairs(faces.embeddings(), faces.labels());
    }

    /**
     * Compares the two embeddings of each pair of a list.
     *
     * @param embeddings [n][d], of any norm but zero
     * @param first one face per pair, as an index into {@code embeddings}
     * @param second the other face per pair, as an index into {@code embeddings}
     * @param same whether each pair is genuine: both faces are of the same person
     * @return the pairs in this order, scored by cosine in [-1, 1]
     * @throws IllegalArgumentException when the arrays of pairs differ in length, or an embedding is zero or not finite
     */
    public static Verification ofPairs(float[][] embeddings, int[] first, int[] second, boolean[] same) {
        checkEqualLengths(first.length, second.length);
        checkEqualLengths(first.length, same.length);
        double[] norms = norms(embeddings);
        double[] scores = new double[first.length];
        ParallelStreams.forEach(
                0, scores.length, pair -> scores[pair] = cosine(embeddings, norms, first[pair], second[pair]));
        return new Verification(scores, new Pairing.Listed(first.clone(), second.clone(), same.clone()));
    }

    /**
     * Takes pairs that are scored already, for example by another system. Distances must be negated first.
     *
     * @param scores per pair; a higher score means that the same person is more likely
     * @param same whether each pair is genuine: both faces are of the same person
     * @throws IllegalArgumentException when the arrays differ in length
     */
    public static Verification ofScores(double[] scores, boolean[] same) {
        checkEqualLengths(scores.length, same.length);
        return new Verification(scores.clone(), new Pairing.ScoresOnly(same.clone()));
    }

    private static void checkEqualLengths(int pairs, int others) {
        if (pairs != others) {
            throw new IllegalArgumentException(
                    "the arrays of a list of pairs must have the same length, but had " + pairs + " and " + others);
        }
    }

    // ---- results ----

    /** Returns the error rates of the scores over all thresholds. */
    public Roc roc() {
        return Roc.ofOwned(same(), different());
    }

    /** Returns a new array with the scores of the genuine pairs. */
    public double[] same() {
        return scoresOf(true);
    }

    /** Returns a new array with the scores of the impostor pairs. */
    public double[] different() {
        return scoresOf(false);
    }

    private double[] scoresOf(boolean genuine) {
        int count = 0;
        for (int pair = 0; pair < scores.length; pair++) {
            count += pairing.same(pair) == genuine ? 1 : 0;
        }
        double[] selected = new double[count];
        int next = 0;
        for (int pair = 0; pair < scores.length; pair++) {
            if (pairing.same(pair) == genuine) {
                selected[next++] = scores[pair];
            }
        }
        return selected;
    }

    /**
     * Returns the pairs that are hardest to classify: the genuine pairs with the lowest scores, or the impostor pairs
     * with the highest.
     *
     * @param genuine whether to return genuine or impostor pairs
     * @param limit the number of pairs to return at most
     * @return numbers of pairs, the hardest first
     */
    public int[] hardest(boolean genuine, int limit) {
        int[] hardest = new int[limit];
        int found = 0;
        for (int pair = 0; pair < scores.length; pair++) {
            if (pairing.same(pair) != genuine || (found == limit && !isHarder(genuine, pair, hardest, limit))) {
                continue;
            }
            int at = found < limit ? found++ : limit - 1;
            while (at > 0 && isHarder(genuine, pair, hardest, at)) {
                hardest[at] = hardest[at - 1];
                at--;
            }
            hardest[at] = pair;
        }
        return Arrays.copyOf(hardest, found);
    }

    /** Returns whether a pair is harder than the last of the first {@code count} of the hardest ones. */
    private boolean isHarder(boolean genuine, int pair, int[] hardest, int count) {
        if (count == 0) {
            return false;
        }
        double last = scores[hardest[count - 1]];
        return genuine ? scores[pair] < last : scores[pair] > last;
    }

    // ---- single pairs ----

    /** Returns the number of pairs. */
    public int size() {
        return scores.length;
    }

    /** Returns the score of a pair. */
    public double score(int pair) {
        return scores[pair];
    }

    /** Returns whether a pair is genuine: both faces are of the same person. */
    public boolean isSame(int pair) {
        return pairing.same(pair);
    }

    /**
     * Returns one face of a pair, as an index into the embeddings.
     *
     * @throws IllegalStateException when only scores were given
     */
    public int first(int pair) {
        return pairing.first(pair);
    }

    /**
     * Returns the other face of a pair, as an index into the embeddings.
     *
     * @throws IllegalStateException when only scores were given
     */
    public int second(int pair) {
        return pairing.second(pair);
    }

    /** Returns whether the faces of the pairs are known, and not only their scores. */
    public boolean knowsFaces() {
        return !(pairing instanceof Pairing.ScoresOnly);
    }

    Pairing pairing() {
        return pairing;
    }

    // ---- cosines ----

    /** Returns the L2 norm of each embedding, and rejects those that have no direction. */
    static double[] norms(float[][] embeddings) {
        return Arrays.stream(embeddings).mapToDouble(Verification::norm).toArray();
    }

    private static double cosine(float[][] embeddings, double[] norms, int i, int j) {
        double cosine = dot(embeddings[i], embeddings[j]) / (norms[i] * norms[j]);
        return Math.max(-1, Math.min(1, cosine));
    }

    /** Returns the L2 norm of an embedding, and rejects one that has no direction. */
    static double norm(float[] embedding) {
        double norm = Math.sqrt(dot(embedding, embedding));
        if (!(norm > 0) || Double.isInfinite(norm)) {
            throw new UnsuitableDataException("embeddings must not be zero, infinite or NaN, but one was");
        }
        return norm;
    }

    /**
     * Returns the dot product, from four independent sums so that no addition waits for the previous one.
     *
     * @throws IllegalArgumentException when the lengths differ
     */
    static double dot(float[] a, float[] b) {
        if (a.length != b.length) {
            throw new IllegalArgumentException("embeddings must have the same number of values to be compared, but had "
                    + a.length + " and " + b.length + "; use those of one model");
        }
        double sum0 = 0;
        double sum1 = 0;
        double sum2 = 0;
        double sum3 = 0;
        int i = 0;
        for (; i + 3 < a.length; i += 4) {
            sum0 += (double) a[i] * b[i];
            sum1 += (double) a[i + 1] * b[i + 1];
            sum2 += (double) a[i + 2] * b[i + 2];
            sum3 += (double) a[i + 3] * b[i + 3];
        }
        for (; i < a.length; i++) {
            sum0 += (double) a[i] * b[i];
        }
        return sum0 + sum1 + sum2 + sum3;
    }
}
