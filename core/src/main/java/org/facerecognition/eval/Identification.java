package org.facerecognition.eval;

import java.util.Arrays;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;
import org.facerecognition.data.UnsuitableDataException;

/**
 * The question "who of the enrolled people is this, or nobody?". Each probe is compared with all enrolled faces; a
 * person's score is that of the nearest of their faces by cosine. Enroll {@link Embedded#centroids} for one mean face
 * per person.
 *
 * <p>After Grother and Ngan's evaluations (NIST IR 8009) and Liu et al., "Large-scale unconstrained open set face
 * database", 2013.
 */
public final class Identification {
    private final int people;
    private final int[] ranks; // of probes whose person is enrolled: 1 for the first answer
    private final double[] scores; // of their own person
    private final double[] strangers; // highest score of probes whose person is not enrolled, rising

    private Identification(int people, int[] ranks, double[] scores, double[] strangers) {
        this.people = people;
        this.ranks = ranks;
        this.scores = scores;
        this.strangers = strangers;
    }

    /**
     * Asks who each probe is.
     *
     * @param enrolled faces of those who can be the answer
     * @param probes faces to be named, labelled as the enrolled; a label that is not enrolled is a stranger's
     * @throws IllegalArgumentException when none of the probes' people is enrolled, or an embedding is zero or not
     *     finite
     */
    public static Identification of(Embedded enrolled, Embedded probes) {
        int people = Math.max(max(enrolled.labels()), max(probes.labels())) + 1;
        boolean[] known = new boolean[people];
        for (int label : enrolled.labels()) {
            known[label] = true;
        }
        int[] labels = probes.labels();
        double[] own = new double[labels.length];
        int[] ranks = new int[labels.length];
        double[] enrolledLengths = Verification.lengths(enrolled.embeddings());
        double[] probeLengths = Verification.lengths(probes.embeddings());
        IntStream.range(0, labels.length).parallel().forEach(i -> {
            double[] best = new double[people];
            Arrays.fill(best, Double.NEGATIVE_INFINITY);
            float[] probe = probes.embeddings()[i];
            for (int j = 0; j < enrolledLengths.length; j++) {
                int person = enrolled.labels()[j];
                double dot = Verification.dot(probe, enrolled.embeddings()[j]);
                best[person] = Math.max(best[person], dot / (probeLengths[i] * enrolledLengths[j]));
            }
            own[i] = known[labels[i]]
                    ? best[labels[i]]
                    : Arrays.stream(best).max().orElseThrow();
            ranks[i] =
                    (int) Arrays.stream(best).filter(score -> score >= own[i]).count();
        });
        int[] mates =
                IntStream.range(0, labels.length).filter(i -> known[labels[i]]).toArray();
        if (mates.length == 0) {
            throw new UnsuitableDataException(
                    "probes must have some of enrolled people, but all " + labels.length + " are strangers'");
        }
        return new Identification(
                (int) IntStream.range(0, people).filter(i -> known[i]).count(),
                Arrays.stream(mates).map(i -> ranks[i]).toArray(),
                Arrays.stream(mates).mapToDouble(i -> own[i]).toArray(),
                IntStream.range(0, labels.length)
                        .filter(i -> !known[labels[i]])
                        .mapToDouble(i -> own[i])
                        .sorted()
                        .toArray());
    }

    private static int max(int[] labels) {
        return Arrays.stream(labels).max().orElseThrow();
    }

    /**
     * Share of enrolled people's probes whose person is among the first {@code k} answers. People with equal scores all
     * count as before the right one: a net that gives everybody the same embedding must not look good.
     *
     * @param k at least 1
     */
    public double rank(int k) {
        if (k < 1) {
            throw new IllegalArgumentException("k must be at least 1, but was " + k);
        }
        return share(ranks.length, i -> ranks[i] <= k);
    }

    /**
     * The cumulative match characteristic: {@link #rank} for 1, 2, ....
     *
     * @param most at least 1; the curve ends with the number of enrolled people
     */
    public double[] cmc(int most) {
        return IntStream.rangeClosed(1, Math.min(most, people))
                .mapToDouble(this::rank)
                .toArray();
    }

    /**
     * Detection and identification rate: share of enrolled people's probes that are named right, at first answer and
     * above the threshold, where the threshold lets at most a share {@code far} of the strangers be taken for somebody.
     *
     * @param far in [0, 1]
     * @throws IllegalArgumentException when {@code far} is not in [0, 1] or no probe was a stranger's
     */
    public double dirAtFar(double far) {
        double threshold = thresholdAt(far);
        return share(ranks.length, i -> ranks[i] == 1 && scores[i] >= threshold);
    }

    /**
     * The cosine from which on a stranger is taken for somebody with a chance of at most {@code far}.
     *
     * @throws IllegalArgumentException when {@code far} is not in [0, 1] or no probe was a stranger's
     */
    public double thresholdAt(double far) {
        if (!(far >= 0 && far <= 1)) {
            throw new IllegalArgumentException("far must be in [0, 1], but was " + far);
        }
        if (strangers.length == 0) {
            throw new IllegalArgumentException(
                    "probes must have some of people who are not enrolled to find a threshold, but had none");
        }
        int allowed = Roc.allowed(far, strangers.length);
        return allowed >= strangers.length
                ? Double.NEGATIVE_INFINITY
                : Math.nextUp(strangers[strangers.length - 1 - allowed]);
    }

    private static double share(int count, IntPredicate right) {
        return (double) IntStream.range(0, count).filter(right).count() / count;
    }

    /** Number of enrolled people. */
    public int people() {
        return people;
    }

    /** Number of probes of enrolled people. */
    public int mates() {
        return ranks.length;
    }

    /** Number of probes of others. */
    public int strangers() {
        return strangers.length;
    }
}
