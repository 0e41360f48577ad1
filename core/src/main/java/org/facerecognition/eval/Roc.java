package org.facerecognition.eval;

import java.util.Arrays;
import org.facerecognition.data.UnsuitableDataException;

/**
 * The receiver operating characteristic (ROC) of pair scores: how well they separate genuine pairs, of the same person,
 * from impostor pairs, of different people, over all thresholds. A pair is accepted when its score is at or above the
 * threshold.
 *
 * <p>An instance holds the sorted scores, 8 bytes each, and nothing else. Every figure is one pass over them or a
 * binary search.
 */
public final class Roc {
    private final double[] genuine; // ascending
    private final double[] impostor; // ascending

    private Roc(double[] genuine, double[] impostor) {
        this.genuine = genuine;
        this.impostor = impostor;
    }

    /**
     * Computes the ROC of copies of these scores.
     *
     * @param genuine scores of the pairs of the same person, in any order
     * @param impostor scores of the pairs of different people, in any order
     * @throws UnsuitableDataException when one of the two is empty or a score is infinite or NaN
     */
    public static Roc of(double[] genuine, double[] impostor) {
        return ofOwned(genuine.clone(), impostor.clone());
    }

    /** Computes the ROC without a copy: takes over these arrays and sorts them. */
    static Roc ofOwned(double[] genuine, double[] impostor) {
        sort("genuine", genuine);
        sort("impostor", impostor);
        return new Roc(genuine, impostor);
    }

    private static void sort(String name, double[] scores) {
        if (scores.length == 0) {
            throw new UnsuitableDataException(
                    "scores must be of genuine and impostor pairs, but there were no " + name + " pairs");
        }
        Arrays.sort(scores);
        requireFinite(name, scores[0]);
        requireFinite(name, scores[scores.length - 1]); // NaN sorts last
    }

    private static void requireFinite(String name, double score) {
        if (!Double.isFinite(score)) {
            throw new UnsuitableDataException(
                    "scores must be finite, but that of at least one of the " + name + " pairs was " + score);
        }
    }

    /**
     * Returns the area under the curve: the probability that a genuine pair scores higher than an impostor pair, where
     * ties count half (Mann-Whitney's U divided by the number of combinations). The result is exact.
     */
    public double auc() {
        double wins = 0; // multiples of a half are exact in a double up to 2^52 combinations
        int below = 0;
        int upTo = 0;
        for (double score : genuine) {
            while (below < impostor.length && impostor[below] < score) {
                below++;
            }
            while (upTo < impostor.length && impostor[upTo] <= score) {
                upTo++;
            }
            wins += wins(below, upTo);
        }
        return wins / ((double) genuine.length * impostor.length);
    }

    /** Returns the wins over impostors that are below or equal; together they may be more than an int. */
    static double wins(int below, int upTo) {
        return ((double) below + upTo) / 2;
    }

    /**
     * Returns the false accept rate at a threshold: the share of impostor pairs that are accepted.
     *
     * @throws IllegalArgumentException when the threshold is NaN
     */
    public double far(double threshold) {
        return atLeast(impostor, threshold);
    }

    /**
     * Returns the true accept rate at a threshold: the share of genuine pairs that are accepted.
     *
     * @throws IllegalArgumentException when the threshold is NaN
     */
    public double tar(double threshold) {
        return atLeast(genuine, threshold);
    }

    private static double atLeast(double[] ascending, double threshold) {
        if (Double.isNaN(threshold)) {
            throw new IllegalArgumentException("threshold must be a number, but was NaN");
        }
        int low = 0;
        int high = ascending.length;
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (ascending[middle] < threshold) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return (double) (ascending.length - low) / ascending.length;
    }

    /**
     * Returns the lowest threshold that accepts at most a share {@code far} of the impostor pairs: just above the
     * highest impostor score that must be rejected, which for cosines is at most {@code Math.nextUp(1.0)}, or the
     * lowest score when all pairs may be accepted.
     *
     * @param far false accept rate, in [0, 1]
     * @throws IllegalArgumentException when {@code far} is not in [0, 1]
     */
    public double thresholdAt(double far) {
        if (!(far >= 0 && far <= 1)) {
            throw new IllegalArgumentException("far must be in [0, 1], but was " + far);
        }
        int allowed = allowed(far, impostor.length);
        if (allowed >= impostor.length) {
            return Math.min(genuine[0], impostor[0]);
        }
        return Math.nextUp(impostor[impostor.length - 1 - allowed]); // just above the highest to reject
    }

    /**
     * Returns points of the curve at false accept rates that are evenly spaced on a logarithmic scale, from that of one
     * impostor pair to 1.
     *
     * @param count number of points, at least 2
     * @return the false accept rates in ascending order, and the true accept rates
     */
    double[][] points(int count) {
        double minFar = 1.0 / impostor.length;
        double[] far = new double[count];
        double[] tar = new double[count];
        for (int i = 0; i < count; i++) {
            far[i] = Math.min(1, minFar * Math.pow(1 / minFar, (double) i / (count - 1)));
            tar[i] = tarAtFar(far[i]);
        }
        return new double[][] {far, tar};
    }

    /**
     * Returns the true accept rate at the lowest threshold that accepts at most a share {@code far} of the impostor
     * pairs.
     *
     * @param far false accept rate, in [0, 1]
     * @throws IllegalArgumentException when {@code far} is not in [0, 1]
     */
    public double tarAtFar(double far) {
        return tar(thresholdAt(far));
    }

    /**
     * Returns the equal error rate: the rate at which as large a share of the genuine pairs is rejected as of the
     * impostor pairs is accepted. Where no threshold gives equal rates, it is interpolated linearly between the two
     * nearest ones.
     */
    public double equalErrorRate() {
        double previousFrr = 1; // at a threshold above all scores
        double previousFar = 0;
        Descent descent = new Descent();
        while (true) {
            descent.next(); // the loop ends at the lowest score at the latest, where all pairs are accepted
            double frr = descent.frr();
            double far = descent.far();
            if (far >= frr) {
                double previousGap = previousFrr - previousFar;
                return previousFar + (far - previousFar) * previousGap / (previousGap + far - frr);
            }
            previousFrr = frr;
            previousFar = far;
        }
    }

    /**
     * A threshold with its accuracy.
     *
     * @param threshold halfway between the lowest accepted and the highest rejected score
     * @param accuracy the share of all pairs that the threshold classifies correctly, in [0, 1]
     */
    public record Best(double threshold, double accuracy) {}

    /** Returns the threshold that classifies the most pairs correctly; of several, the highest. */
    public Best bestAccuracy() {
        long best = impostor.length; // correct when nothing is accepted
        double threshold = aboveAll();
        Descent descent = new Descent();
        while (descent.next()) {
            long correct = (long) descent.impostor + (genuine.length - descent.genuine);
            if (correct > best) {
                best = correct;
                threshold = descent.halfwayToNext();
            }
        }
        return new Best(threshold, (double) best / ((long) genuine.length + impostor.length));
    }

    private double aboveAll() {
        return Math.nextUp(Math.max(genuine[genuine.length - 1], impostor[impostor.length - 1]));
    }

    /**
     * All points of the curve, from accepting no pair to accepting all: one for each distinct score, after a first one
     * that accepts nothing.
     *
     * @param thresholds in descending order; the first is infinity
     * @param far the false accept rate at each threshold, ascending
     * @param tar the true accept rate at each threshold, ascending
     */
    public record Curve(double[] thresholds, double[] far, double[] tar) {}

    /** Returns all points of the curve. */
    public Curve curve() {
        int points = 1;
        for (Descent descent = new Descent(); descent.next(); ) {
            points++;
        }
        Curve curve = new Curve(new double[points], new double[points], new double[points]);
        curve.thresholds[0] = Double.POSITIVE_INFINITY;
        Descent descent = new Descent();
        for (int i = 1; descent.next(); i++) {
            curve.thresholds[i] = descent.threshold;
            curve.far[i] = descent.far();
            curve.tar[i] = descent.tar();
        }
        return curve;
    }

    /** Lowers a threshold from above all scores to each distinct score, in descending order. */
    private final class Descent {
        private double threshold = Double.POSITIVE_INFINITY;
        private int genuine = Roc.this.genuine.length; // number of genuine pairs below the threshold, hence rejected
        private int impostor = Roc.this.impostor.length; // the same for impostor pairs

        /** Lowers the threshold to the next score; returns false when it is at the lowest score already. */
        boolean next() {
            if (genuine == 0 && impostor == 0) {
                return false;
            }
            threshold = highestBelow();
            while (genuine > 0 && Roc.this.genuine[genuine - 1] == threshold) {
                genuine--;
            }
            while (impostor > 0 && Roc.this.impostor[impostor - 1] == threshold) {
                impostor--;
            }
            return true;
        }

        private double highestBelow() {
            if (genuine == 0) {
                return Roc.this.impostor[impostor - 1];
            }
            return impostor == 0
                    ? Roc.this.genuine[genuine - 1]
                    : Math.max(Roc.this.genuine[genuine - 1], Roc.this.impostor[impostor - 1]);
        }

        double halfwayToNext() {
            if (genuine == 0 && impostor == 0) {
                return threshold;
            }
            double next = highestBelow();
            double halfway = next + (threshold - next) / 2;
            boolean between = halfway > next
                    && halfway <= threshold; // not for adjacent doubles, or where the difference overflows
            return between ? halfway : threshold;
        }

        double far() {
            return (double) (Roc.this.impostor.length - impostor) / Roc.this.impostor.length;
        }

        /** Returns the false reject rate. */
        double frr() {
            return (double) genuine / Roc.this.genuine.length;
        }

        double tar() {
            return (double) (Roc.this.genuine.length - genuine) / Roc.this.genuine.length;
        }
    }

    /** Returns the impostor score of this rank, where 0 is the highest. */
    double impostorFromTop(int rank) {
        return impostor[impostor.length - 1 - rank];
    }

    /**
     * Returns the number of impostor pairs that may be accepted at a false accept rate. A small tolerance makes 0.01 of
     * 100 pairs one pair despite rounding.
     */
    static int allowed(double far, long pairs) {
        return (int) Math.floor(far * pairs + 1e-9);
    }

    /**
     * Returns whether there are enough impostor pairs to measure a false accept rate: at least one of them may be
     * accepted.
     */
    public boolean shows(double far) {
        return shows(far, impostor.length);
    }

    static boolean shows(double far, long trials) {
        return allowed(far, trials) >= 1;
    }

    /** Returns the number of genuine pairs. */
    public int genuinePairs() {
        return genuine.length;
    }

    /** Returns the number of impostor pairs. */
    public int impostorPairs() {
        return impostor.length;
    }
}
