package org.facerecognition.eval;

import java.util.Arrays;
import java.util.stream.IntStream;
import org.facerecognition.data.UnsuitableDataException;

/**
 * The question "is this the same person?" over pairs of faces, each with a score: the higher, the likelier. Knows of
 * each pair which faces it is of, so that errors can be looked at.
 */
public final class Verification {
    private static final int MAX_FACES = 65_536; // to be compared each with each: 2^31 pairs, the longest array

    private final double[] scores;
    private final Pairing pairing;

    private Verification(double[] scores, Pairing pairing) {
        this.scores = scores;
        this.pairing = pairing;
    }

    /**
     * Compares each embedding with each other.
     *
     * @param embeddings [n][d], of any length but zero
     * @param labels [n], which person each is of
     * @return scored by cosine, in [-1, 1]
     * @throws IllegalArgumentException when the numbers differ, there are more than 65,536, or an embedding is zero or
     *     not finite
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
        double[] lengths = lengths(embeddings);
        double[] scores = new double[(int) Pairing.EachWithEach.pairsBelow(labels.length)];
        IntStream.range(0, labels.length).parallel().forEach(i -> {
            int row = (int) Pairing.EachWithEach.pairsBelow(i);
            for (int j = 0; j < i; j++) {
                scores[row + j] = cosine(embeddings, lengths, i, j);
            }
        });
        return new Verification(scores, new Pairing.EachWithEach(labels.clone()));
    }

    /** Compares each embedding with each other; see {@link #ofAllPairs(float[][], int[])}. */
    public static Verification ofAllPairs(Embedded faces) {
        return ofAllPairs(faces.embeddings(), faces.labels());
    }

    /**
     * Compares the two embeddings of each pair of a list.
     *
     * @param embeddings [n][d], of any length but zero
     * @param first of each pair, an index into {@code embeddings}
     * @param second of each pair, an index into {@code embeddings}
     * @param same whether the two are one person's
     * @return scored by cosine, in [-1, 1]
     * @throws IllegalArgumentException when the numbers differ or an embedding is zero or not finite
     */
    public static Verification ofPairs(float[][] embeddings, int[] first, int[] second, boolean[] same) {
        checkAsMany(first.length, second.length);
        checkAsMany(first.length, same.length);
        double[] lengths = lengths(embeddings);
        double[] scores = new double[first.length];
        IntStream.range(0, scores.length)
                .parallel()
                .forEach(pair -> scores[pair] = cosine(embeddings, lengths, first[pair], second[pair]));
        return new Verification(scores, new Pairing.Listed(first.clone(), second.clone(), same.clone()));
    }

    /**
     * Pairs whose scores are known already: of another system, say. Distances must be negated first.
     *
     * @param scores of each pair; the higher, the likelier the same person
     * @param same whether it is one person's
     * @throws IllegalArgumentException when the numbers differ
     */
    public static Verification ofScores(double[] scores, boolean[] same) {
        checkAsMany(scores.length, same.length);
        return new Verification(scores.clone(), new Pairing.Anonymous(same.clone()));
    }

    private static void checkAsMany(int pairs, int others) {
        if (pairs != others) {
            throw new IllegalArgumentException(
                    "a list of pairs must be of one length, but had " + pairs + " and " + others);
        }
    }

    // ---- what came out ----

    /** How well the score tells the two kinds apart. */
    public Roc roc() {
        return Roc.ofOwned(same(), different());
    }

    /** Scores of the pairs of one person. */
    public double[] same() {
        return scoresOf(true);
    }

    /** Scores of the pairs of different people. */
    public double[] different() {
        return scoresOf(false);
    }

    private double[] scoresOf(boolean same) {
        int count = 0;
        for (int pair = 0; pair < scores.length; pair++) {
            count += pairing.same(pair) == same ? 1 : 0;
        }
        double[] chosen = new double[count];
        int next = 0;
        for (int pair = 0; pair < scores.length; pair++) {
            if (pairing.same(pair) == same) {
                chosen[next++] = scores[pair];
            }
        }
        return chosen;
    }

    /**
     * The pairs that are hardest to get right: of the same person those with the lowest scores, or of different people
     * those with the highest.
     *
     * @param same of which kind
     * @param most how many to give, fewer where there are not as many
     * @return numbers of pairs, the hardest first
     */
    public int[] hardest(boolean same, int most) {
        int[] hardest = new int[most];
        int found = 0;
        for (int pair = 0; pair < scores.length; pair++) {
            if (pairing.same(pair) != same || (found == most && !harder(same, pair, hardest, most))) {
                continue;
            }
            int at = found < most ? found++ : most - 1;
            while (at > 0 && harder(same, pair, hardest, at)) {
                hardest[at] = hardest[at - 1];
                at--;
            }
            hardest[at] = pair;
        }
        return Arrays.copyOf(hardest, found);
    }

    /** Than the last of the first {@code count}. */
    private boolean harder(boolean same, int pair, int[] hardest, int count) {
        if (count == 0) {
            return false;
        }
        double last = scores[hardest[count - 1]];
        return same ? scores[pair] < last : scores[pair] > last;
    }

    // ---- pair by pair ----

    /** Number of pairs. */
    public int size() {
        return scores.length;
    }

    /** Of a pair. */
    public double score(int pair) {
        return scores[pair];
    }

    /** Whether a pair is one person's. */
    public boolean isSame(int pair) {
        return pairing.same(pair);
    }

    /**
     * One face of a pair, by its number among the embeddings.
     *
     * @throws IllegalStateException when only scores were given
     */
    public int first(int pair) {
        return pairing.first(pair);
    }

    /**
     * The other face of a pair, by its number among the embeddings.
     *
     * @throws IllegalStateException when only scores were given
     */
    public int second(int pair) {
        return pairing.second(pair);
    }

    /** Whether the faces of the pairs are known, not their scores alone. */
    public boolean knowsFaces() {
        return !(pairing instanceof Pairing.Anonymous);
    }

    Pairing pairing() {
        return pairing;
    }

    // ---- cosines ----

    static double[] lengths(float[][] embeddings) {
        return Arrays.stream(embeddings).mapToDouble(Verification::length).toArray();
    }

    private static double cosine(float[][] embeddings, double[] lengths, int i, int j) {
        double cosine = dot(embeddings[i], embeddings[j]) / (lengths[i] * lengths[j]);
        return Math.max(-1, Math.min(1, cosine));
    }

    private static double length(float[] embedding) {
        double length = Math.sqrt(dot(embedding, embedding));
        if (!(length > 0) || Double.isInfinite(length)) {
            throw new UnsuitableDataException("embeddings must not be zero, infinite or NaN, but one was");
        }
        return length;
    }

    /** Four sums, so that no addition waits for the one before. */
    static double dot(float[] a, float[] b) {
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
