package org.facerecognition.eval;

import java.util.Arrays;
import org.facerecognition.data.UnsuitableDataException;

/**
 * How well a score tells pairs of the same person from pairs of different ones, over all thresholds. A pair is accepted
 * when its score is at least the threshold. Holds the scores sorted, 8 bytes each, and nothing else; every figure is
 * one walk down them or a binary search.
 */
public final class Roc {
    private final double[] same; // rising
    private final double[] different; // rising

    private Roc(double[] same, double[] different) {
        this.same = same;
        this.different = different;
    }

    /**
     * @param same scores of pairs of the same person, in any order
     * @param different scores of pairs of different people, in any order
     * @throws UnsuitableDataException when one of the two is empty or a score is NaN
     */
    public static Roc of(double[] same, double[] different) {
        return ofOwned(same.clone(), different.clone());
    }

    /** Sorts the very arrays it is given. */
    static Roc ofOwned(double[] same, double[] different) {
        sort("same", same);
        sort("different", different);
        return new Roc(same, different);
    }

    private static void sort(String name, double[] scores) {
        if (scores.length == 0) {
            throw new UnsuitableDataException("scores must have pairs of both kinds, but had none of the "
                    + (name.equals("same") ? "same person" : "different people"));
        }
        Arrays.sort(scores);
        if (Double.isNaN(scores[scores.length - 1])) { // NaN sorts last
            throw new UnsuitableDataException("scores must be numbers, but one of the " + name + " pairs' was NaN");
        }
    }

    /**
     * The area under the curve: the chance that a pair of the same person scores higher than one of different people,
     * ties counting half (Mann-Whitney's U over the number of pairings). Exact.
     */
    public double auc() {
        double wins = 0; // halves are exact in a double, up to 2^52 pairings
        int below = 0;
        int upTo = 0;
        for (double score : same) {
            while (below < different.length && different[below] < score) {
                below++;
            }
            while (upTo < different.length && different[upTo] <= score) {
                upTo++;
            }
            wins += (below + upTo) / 2.0;
        }
        return wins / ((double) same.length * different.length);
    }

    /** Share of pairs of different people that are accepted at a threshold (false accept rate). */
    public double far(double threshold) {
        return atLeast(different, threshold);
    }

    /** Share of pairs of the same person that are accepted at a threshold (true accept rate). */
    public double tar(double threshold) {
        return atLeast(same, threshold);
    }

    private static double atLeast(double[] rising, double threshold) {
        int low = 0;
        int high = rising.length;
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (rising[middle] < threshold) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return (double) (rising.length - low) / rising.length;
    }

    /**
     * The lowest threshold among the scores that accepts at most a share {@code far} of the pairs of different people,
     * or just above all scores where none does: for cosines that is at most {@code Math.nextUp(1.0)}, "never".
     *
     * @param far in [0, 1]
     * @throws IllegalArgumentException when {@code far} is not in [0, 1]
     */
    public double thresholdAt(double far) {
        if (!(far >= 0 && far <= 1)) {
            throw new IllegalArgumentException("far must be in [0, 1], but was " + far);
        }
        int allowed = allowed(far, different.length);
        if (allowed >= different.length) {
            return Math.min(same[0], different[0]);
        }
        return Math.nextUp(different[different.length - 1 - allowed]); // above the first that must be refused
    }

    /**
     * Share of pairs of the same person that are accepted when at most a share {@code far} of the others is.
     *
     * @throws IllegalArgumentException when {@code far} is not in [0, 1]
     */
    public double tarAtFar(double far) {
        return tar(thresholdAt(far));
    }

    /**
     * The rate at which the share of the same person that is refused equals that of different people accepted, on the
     * straight line between the two thresholds around it where none hits exactly.
     */
    public double equalErrorRate() {
        double refusedBefore = 1; // at a threshold above all scores
        double farBefore = 0;
        Descent descent = new Descent();
        while (true) {
            descent.next(); // ends at the latest where all is accepted
            double refused = descent.refused();
            double far = descent.far();
            if (far >= refused) {
                double gapBefore = refusedBefore - farBefore;
                return farBefore + (far - farBefore) * gapBefore / (gapBefore + far - refused);
            }
            refusedBefore = refused;
            farBefore = far;
        }
    }

    /**
     * A threshold and the share of pairs that it tells right.
     *
     * @param threshold halfway between the last score accepted and the next one, which is not
     * @param accuracy in [0, 1], over all pairs of both kinds
     */
    public record Best(double threshold, double accuracy) {}

    /** The threshold that tells most pairs right; the highest of several. */
    public Best bestAccuracy() {
        long best = different.length; // right when nothing is accepted
        double threshold = aboveAll();
        Descent descent = new Descent();
        while (descent.next()) {
            long right = (long) descent.different + (same.length - descent.same);
            if (right > best) {
                best = right;
                threshold = descent.halfwayToTheNext();
            }
        }
        return new Best(threshold, (double) best / ((long) same.length + different.length));
    }

    private double aboveAll() {
        return Math.nextUp(Math.max(same[same.length - 1], different[different.length - 1]));
    }

    /**
     * The whole curve, from accepting nothing to accepting all: one point for each score that occurs, and one before.
     *
     * @param thresholds falling; the first is infinity
     * @param far share of the pairs of different people that is accepted there, rising
     * @param tar share of the pairs of the same person that is accepted there, rising
     */
    public record Curve(double[] thresholds, double[] far, double[] tar) {}

    /** All points of the curve. */
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

    /** Lowers a threshold from above all scores to each score in turn. */
    private final class Descent {
        private double threshold = Double.POSITIVE_INFINITY;
        private int same = Roc.this.same.length; // those below the threshold: refused
        private int different = Roc.this.different.length;

        /** False when the threshold is at the lowest score already. */
        boolean next() {
            if (same == 0 && different == 0) {
                return false;
            }
            threshold = highestBelow();
            while (same > 0 && Roc.this.same[same - 1] == threshold) {
                same--;
            }
            while (different > 0 && Roc.this.different[different - 1] == threshold) {
                different--;
            }
            return true;
        }

        private double highestBelow() {
            if (same == 0) {
                return Roc.this.different[different - 1];
            }
            return different == 0
                    ? Roc.this.same[same - 1]
                    : Math.max(Roc.this.same[same - 1], Roc.this.different[different - 1]);
        }

        double halfwayToTheNext() {
            if (same == 0 && different == 0) {
                return threshold;
            }
            double next = highestBelow();
            double halfway = next + (threshold - next) / 2;
            return halfway > next && halfway <= threshold ? halfway : threshold; // neighbors among doubles; infinities
        }

        double far() {
            return (double) (Roc.this.different.length - different) / Roc.this.different.length;
        }

        double refused() {
            return (double) same / Roc.this.same.length;
        }

        double tar() {
            return (double) (Roc.this.same.length - same) / Roc.this.same.length;
        }
    }

    /** The score of different people with so many above it. */
    double differentFromTop(int rank) {
        return different[different.length - 1 - rank];
    }

    /**
     * Pairs of different people that may be accepted at a false accept rate: .01 of 100 is one, whatever the rounding.
     */
    static int allowed(double far, long pairs) {
        return (int) Math.floor(far * pairs + 1e-9);
    }

    /**
     * Whether there are enough pairs of different people to measure a false accept rate: one pair at least may reach
     * it.
     */
    public boolean shows(double far) {
        return shows(far, different.length);
    }

    static boolean shows(double far, long trials) {
        return allowed(far, trials) >= 1;
    }

    /** Number of pairs of the same person. */
    public int genuinePairs() {
        return same.length;
    }

    /** Number of pairs of different people. */
    public int impostorPairs() {
        return different.length;
    }
}
