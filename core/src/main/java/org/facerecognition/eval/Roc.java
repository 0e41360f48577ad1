package org.facerecognition.eval;

import java.util.Arrays;

/**
 * How well a score tells pairs of the same person from pairs of different ones, over all thresholds. A pair is accepted
 * when its score is at least the threshold.
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

    /** The rate at which as many of the same are refused as of the different accepted, midway where no threshold hits. */
    public double equalErrorRate() {
        int low = 0;
        int high = different.length; // the number of different pairs accepted
        while (low < high) { // far rises and the refusals fall with it
            int middle = (low + high) >>> 1;
            double far = (double) middle / different.length;
            if (far >= 1 - tarAtFar(far)) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        double far = (double) low / different.length;
        double refused = 1 - tarAtFar(far);
        if (low == 0 || far == refused) {
            return (far + refused) / 2;
        }
        double farBefore = (double) (low - 1) / different.length;
        double refusedBefore = 1 - tarAtFar(farBefore);
        double t =
                (refusedBefore - farBefore) / ((refusedBefore - farBefore) + (far - refused)); // where the lines cross
        return farBefore + t * (far - farBefore);
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
