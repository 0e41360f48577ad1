package org.facerecognition.eval;

import java.util.Arrays;
import org.facerecognition.data.UnsuitableDataException;

/**
 * The CelebA identification benchmark's figure: of all pairs of two queries of one person, the share that is more alike
 * than nearly all false pairs. False are the pairs of two queries of different people and those of a query and a
 * distractor; two distractors are not compared. The threshold for a false positive rate f is the N-th largest
 * similarity of the false pairs, N = floor(f * false pairs), and a pair must be above it.
 *
 * <p>So defined, a public MobileFaceNet on faces aligned by CelebA's mean points has what another program had measured
 * of it: .930 at f = .05, .888 at .01, .79 at .001.
 */
public final class IdentificationRate {
    private final double[] same; // rising
    private final double[] different; // rising
    private final Verification pairs;

    private IdentificationRate(Verification pairs) {
        this.pairs = pairs;
        this.same = sorted(pairs.same());
        this.different = sorted(pairs.different());
        if (same.length == 0) {
            throw new UnsuitableDataException("queries must have two of one person, but had none");
        }
    }

    private static double[] sorted(double[] scores) {
        Arrays.sort(scores);
        return scores;
    }

    /**
     * Compares queries with queries and with distractors.
     *
     * @param queries faces of several people, several of each
     * @param distractors [n][d] faces of other people
     * @throws UnsuitableDataException when no person has two queries
     */
    public static IdentificationRate of(Embedded queries, float[][] distractors) {
        int q = queries.labels().length;
        float[][] all = Arrays.copyOf(queries.embeddings(), q + distractors.length);
        System.arraycopy(distractors, 0, all, q, distractors.length);
        int count = Math.toIntExact((long) q * (q - 1) / 2 + (long) q * distractors.length);
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
     * The N-th largest similarity of the false pairs.
     *
     * @param fpr false positive rate, in (0, 1], such that N is at least 1
     * @throws IllegalArgumentException when it is not
     */
    public double thresholdAt(double fpr) {
        int n = fpr > 0 && fpr <= 1 ? Roc.allowed(fpr, different.length) : 0;
        if (n < 1) {
            throw new IllegalArgumentException(
                    "fpr must be in (0, 1] and at least one of " + different.length + " false pairs, but was " + fpr);
        }
        return different[different.length - n];
    }

    /**
     * Share of the true pairs above {@link #thresholdAt}.
     *
     * @throws IllegalArgumentException when {@code fpr} is not in (0, 1] or less than one false pair
     */
    public double tprAtFpr(double fpr) {
        double threshold = thresholdAt(fpr);
        return Arrays.stream(same).filter(score -> score > threshold).count() / (double) same.length;
    }

    /** The pairs; queries come first among the faces, then distractors. */
    public Verification pairs() {
        return pairs;
    }
}
