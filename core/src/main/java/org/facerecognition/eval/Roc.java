package org.facerecognition.eval;

import java.util.Arrays;

/**
 * How well a score tells pairs of the same person from pairs of different ones, over all thresholds. A pair is accepted
 * when its score is at least the threshold.
 */
public final class Roc {
    private static final double NONE = Double.NEGATIVE_INFINITY;

    private final double[] same; // rising
    private final double[] different; // rising

    private Roc(double[] same, double[] different) {
        this.same = same;
        this.different = different;
    }

    /**
     * @param same scores of pairs of the same person, in any order
     * @param different scores of pairs of different people, in any order
     * @throws IllegalArgumentException when one of the two is empty or a score is NaN
     */
    public static Roc of(double[] same, double[] different) {
        return new Roc(sorted("same", same), sorted("different", different));
    }

    private static double[] sorted(String name, double[] scores) {
        if (scores.length == 0) {
            throw new IllegalArgumentException("scores must have pairs of both kinds, but had none of the "
                    + (name.equals("same") ? "same person" : "different people"));
        }
        double[] sorted = scores.clone();
        Arrays.sort(sorted);
        if (Double.isNaN(sorted[sorted.length - 1])) { // NaN sorts last
            throw new IllegalArgumentException("scores must be numbers, but one of the " + name + " pairs' was NaN");
        }
        return sorted;
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
     * or just above all scores where none does.
     *
     * @param far in [0, 1]
     * @throws IllegalArgumentException when {@code far} is not in [0, 1]
     */
    public double thresholdAt(double far) {
        if (!(far >= 0 && far <= 1)) {
            throw new IllegalArgumentException("far must be in [0, 1], but was " + far);
        }
        int allowed = (int) Math.floor(far * different.length + 1e-9); // .01 of 100 is one, whatever the rounding
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
        int s = same.length; // those below it
        int d = different.length;
        while (true) {
            double next = Math.max(s > 0 ? same[s - 1] : NONE, d > 0 ? different[d - 1] : NONE);
            while (s > 0 && same[s - 1] == next) {
                s--;
            }
            while (d > 0 && different[d - 1] == next) {
                d--;
            }
            double refused = (double) s / same.length;
            double far = (double) (different.length - d) / different.length;
            if (far >= refused) {
                double gapBefore = refusedBefore - farBefore;
                return farBefore + (far - farBefore) * gapBefore / (gapBefore + far - refused);
            }
            refusedBefore = refused;
            farBefore = far;
        }
    }

    /** Number of pairs of the same person. */
    public int samePairs() {
        return same.length;
    }

    /** Number of pairs of different people. */
    public int differentPairs() {
        return different.length;
    }
}
