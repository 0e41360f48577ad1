package org.facerecognition.eval;

import java.util.Arrays;
import java.util.Locale;
import org.facerecognition.data.UnsuitableDataException;

/**
 * The figure of the CelebA identification benchmark: the share of true pairs (two queries of the same person) whose
 * similarity exceeds that of nearly all false pairs. False pairs are two queries of different people, or a query and a
 * distractor; distractors are not compared with each other. The threshold for a false positive rate f is the N-th
 * largest similarity of the false pairs, where N = floor(f * number of false pairs), and a true pair must lie above it.
 *
 * <p>By this definition a public MobileFaceNet, on faces aligned to CelebA's mean landmarks, reproduces what another
 * program had measured for it: 0.930 at f = 0.05, 0.888 at 0.01 and 0.79 at 0.001.
 */
public final class IdentificationRate {
    private final double[] trueScores; // ascending
    private final double[] falseScores; // ascending
    private final Verification pairs;

    private IdentificationRate(Verification pairs) {
        this.pairs = pairs;
        this.trueScores = sorted(pairs.same());
        this.falseScores = sorted(pairs.different());
        if (trueScores.length == 0) {
            throw new UnsuitableDataException("queries must include two of the same person, but no person has two");
        }
    }

    private static double[] sorted(double[] scores) {
        Arrays.sort(scores);
        return scores;
    }

    /**
     * Returns the number of pairs that {@link #of} compares.
     *
     * @param queries number of queries
     * @param distractors number of distractors
     * @throws UnsuitableDataException when they are too many
     */
    public static int pairs(int queries, int distractors) {
        long pairs = (long) queries * (queries - 1) / 2 + (long) queries * distractors;
        long heap = Runtime.getRuntime().maxMemory();
        long max = Math.min(Integer.MAX_VALUE - 8, heap / (4 * Double.BYTES));
        if (pairs > max) {
            throw new UnsuitableDataException(String.format(
                    Locale.ROOT,
                    "queries and distractors must form at most %,d pairs in a Java heap of %,d MiB, but %,d and %,d"
                            + " form %,d; use fewer",
                    max,
                    heap >> 20,
                    queries,
                    distractors,
                    pairs));
        }
        return (int) pairs;
    }

    /**
     * Compares the queries with each other and with the distractors.
     *
     * @param queries faces of several people, several of each
     * @param distractors [n][d], faces of other people
     * @throws UnsuitableDataException when no person has two queries
     */
    public static IdentificationRate of(Embedded queries, float[][] distractors) {
        int q = queries.labels().length;
        float[][] all = Arrays.copyOf(queries.embeddings(), q + distractors.length);
        System.arraycopy(distractors, 0, all, q, distractors.length);
        int count = pairs(q, distractors.length);
        int[] first = new int[count];
        int[] second = new int[count];
        boolean[] same = new boolean[count];
        int pair = 0;
        for (int i = 0; i < q; i++) {
            for (int j = i + 1; j < all.length; j++) {
                first[pair] = i;
                second[pair] = j;
                same[pair++] = j < q && queries.labels()[i] == queries.labels()[j];
            }
        }
        return new IdentificationRate(Verification.ofPairs(all, first, second, same));
    }

    /**
     * Returns the N-th largest similarity of the false pairs.
     *
     * @param fpr false positive rate, in (0, 1], such that N is at least 1
     * @throws IllegalArgumentException when {@code fpr} is not in (0, 1], or N is 0
     */
    public double thresholdAt(double fpr) {
        int n = fpr > 0 && fpr <= 1 ? Roc.allowed(fpr, falseScores.length) : 0;
        if (n < 1) {
            throw new IllegalArgumentException(
                    "fpr must be in (0, 1] and at least one of " + falseScores.length + " false pairs, but was " + fpr);
        }
        return falseScores[falseScores.length - n];
    }

    /**
     * Returns the share of the true pairs above {@link #thresholdAt}.
     *
     * @param fpr false positive rate, in (0, 1], such that N is at least 1
     * @throws IllegalArgumentException when {@code fpr} is not in (0, 1], or N is 0
     */
    public double tprAtFpr(double fpr) {
        double threshold = thresholdAt(fpr);
        return Arrays.stream(trueScores).filter(score -> score > threshold).count() / (double) trueScores.length;
    }

    /** Returns the compared pairs. Their faces are numbered with the queries first, then the distractors. */
    public Verification pairs() {
        return pairs;
    }
}
