package org.facerecognition.eval;

import java.util.Arrays;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;
import org.facerecognition.data.UnsuitableDataException;
import org.facerecognition.natives.ParallelStreams;

/**
 * Open-set identification, one to many: each probe is compared with all enrolled faces, and the score of a person is
 * that of their nearest face by cosine. Mated probes are of enrolled people, non-mated probes of others (ISO/IEC
 * 19795-1). Enroll {@link Embedded#centroids} to compare with one mean face per person.
 *
 * <p>The figures follow Grother and Ngan's evaluations (NIST IR 8009) and Liu et al., "Large-scale unconstrained open
 * set face database", 2013.
 */
public final class Identification {
    private final int people;
    private final int[] ranks; // of the correct person, per mated probe; 1 is the first
    private final double[] matedScores; // of the correct person, per mated probe
    private final double[] nonMatedScores; // the highest score of any person, per non-mated probe, ascending

    private Identification(int people, int[] ranks, double[] matedScores, double[] nonMatedScores) {
        this.people = people;
        this.ranks = ranks;
        this.matedScores = matedScores;
        this.nonMatedScores = nonMatedScores;
    }

    /**
     * Compares all probes with all enrolled faces.
     *
     * @param enrolled faces of the people to identify
     * @param probes faces to identify, with the labels of the enrolled people; a probe whose label is not enrolled is
     *     non-mated
     * @throws IllegalArgumentException when no probe is of an enrolled person, or an embedding is zero or not finite
     */
    public static Identification of(Embedded enrolled, Embedded probes) {
        int people = Math.max(max(enrolled.labels()), max(probes.labels())) + 1;
        boolean[] isEnrolled = new boolean[people];
        for (int label : enrolled.labels()) {
            isEnrolled[label] = true;
        }
        int[] labels = probes.labels();
        double[] scores = new double[labels.length]; // of the correct person, or the highest where that is not enrolled
        int[] ranks = new int[labels.length];
        double[] enrolledNorms = Verification.norms(enrolled.embeddings());
        double[] probeNorms = Verification.norms(probes.embeddings());
        ParallelStreams.forEach(0, labels.length, i -> {
            double[] best = new double[people];
            Arrays.fill(best, Double.NEGATIVE_INFINITY);
            float[] probe = probes.embeddings()[i];
            for (int j = 0; j < enrolledNorms.length; j++) {
                int person = enrolled.labels()[j];
                double dot = Verification.dot(probe, enrolled.embeddings()[j]);
                best[person] = Math.max(best[person], dot / (probeNorms[i] * enrolledNorms[j]));
            }
            scores[i] = isEnrolled[labels[i]]
                    ? best[labels[i]]
                    : Arrays.stream(best).max().orElseThrow();
            ranks[i] = (int)
                    Arrays.stream(best).filter(score -> score >= scores[i]).count();
        });
        int[] mated = IntStream.range(0, labels.length)
                .filter(i -> isEnrolled[labels[i]])
                .toArray();
        if (mated.length == 0) {
            throw new UnsuitableDataException("probes must include at least one of an enrolled person, but all "
                    + labels.length + " are of people who are not enrolled");
        }
        return new Identification(
                (int) IntStream.range(0, people).filter(i -> isEnrolled[i]).count(),
                Arrays.stream(mated).map(i -> ranks[i]).toArray(),
                Arrays.stream(mated).mapToDouble(i -> scores[i]).toArray(),
                IntStream.range(0, labels.length)
                        .filter(i -> !isEnrolled[labels[i]])
                        .mapToDouble(i -> scores[i])
                        .sorted()
                        .toArray());
    }

    private static int max(int[] labels) {
        return Arrays.stream(labels).max().orElseThrow();
    }

    /**
     * Returns the share of mated probes whose person is among the {@code k} people with the highest scores. People with
     * the same score as the correct person all count as ranked before them, so that a network that gives all faces the
     * same embedding scores poorly.
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
     * Returns the cumulative match characteristic: {@link #rank} for 1, 2, ....
     *
     * @param maxRank at least 1; the curve ends earlier when fewer people are enrolled
     */
    public double[] cmc(int maxRank) {
        return IntStream.rangeClosed(1, Math.min(maxRank, people))
                .mapToDouble(this::rank)
                .toArray();
    }

    /**
     * Returns the detection and identification rate (DIR): the share of mated probes whose person has the highest
     * score, at or above the threshold that accepts at most a share {@code far} of the non-mated probes. It is 1 minus
     * the FNIR at an FPIR of {@code far}.
     *
     * @param far in [0, 1]
     * @throws IllegalArgumentException when {@code far} is not in [0, 1] or there are no non-mated probes
     */
    public double dirAtFar(double far) {
        double threshold = thresholdAt(far);
        return share(ranks.length, i -> ranks[i] == 1 && matedScores[i] >= threshold);
    }

    /**
     * Returns the lowest cosine threshold at or above which at most a share {@code far} of the non-mated probes score.
     *
     * @param far in [0, 1]
     * @throws IllegalArgumentException when {@code far} is not in [0, 1] or there are no non-mated probes
     */
    public double thresholdAt(double far) {
        if (!(far >= 0 && far <= 1)) {
            throw new IllegalArgumentException("far must be in [0, 1], but was " + far);
        }
        if (nonMatedScores.length == 0) {
            throw new IllegalArgumentException(
                    "probes must include people who are not enrolled to find a threshold, but there were none");
        }
        int allowed = Roc.allowed(far, nonMatedScores.length);
        return allowed >= nonMatedScores.length
                ? Double.NEGATIVE_INFINITY
                : Math.nextUp(nonMatedScores[nonMatedScores.length - 1 - allowed]);
    }

    private static double share(int count, IntPredicate condition) {
        return (double) IntStream.range(0, count).filter(condition).count() / count;
    }

    /** Returns the number of enrolled people. */
    public int people() {
        return people;
    }

    /** Returns the number of mated probes: those of enrolled people. */
    public int mated() {
        return ranks.length;
    }

    /** Returns the number of non-mated probes: those of people who are not enrolled. */
    public int nonMated() {
        return nonMatedScores.length;
    }
}
