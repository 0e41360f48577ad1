package org.facerecognition.eval;

import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * Bootstrap confidence intervals: the range that holds the middle 95 % of a figure over resampled data (Efron's
 * percentile bootstrap). The same seed gives the same interval.
 *
 * @param resamples number of resampled data sets; 1,000 is usual
 * @param seed of the random generator
 */
public record Bootstrap(int resamples, long seed) {
    /*
     * Resampling pairs. A resample draws as many genuine and as many impostor pairs as there are, with replacement.
     * Drawing ten million pairs a thousand times would take minutes, and is not needed. Of the impostor pairs only one
     * score matters: the one that exactly `allowed` others exceed. Its rank among the original scores is n times the
     * (allowed + 1)-th smallest of n uniform numbers, which has a beta distribution. The number of genuine pairs above
     * that score is then binomial. Drawing these two numbers is the same experiment and takes a microsecond.
     *
     * Resampling identities. Pairs that share a person are not independent, so an interval over pairs is too narrow.
     * Here people are drawn with replacement. An impostor pair counts as often as its first person was drawn times as
     * often as its second person was drawn. A genuine pair counts as often as its person was drawn; this number is not
     * squared, because a person is not compared with a copy of themselves. The threshold is found by walking down the
     * highest impostor scores, of which five times as many are kept as the largest rate needs.
     */
    private static final double COVERAGE = 0.95;
    private static final double KEPT_FACTOR = 5;
    private static final int MIN_KEPT = 100_000;

    /** The usual settings: 1,000 resamples, seed 0. */
    public static final Bootstrap DEFAULT = new Bootstrap(1000, 0);

    /** @throws IllegalArgumentException when there are fewer than 2 resamples */
    public Bootstrap {
        if (resamples < 2) {
            throw new IllegalArgumentException("resamples must be at least 2, but were " + resamples);
        }
    }

    /**
     * A 95 % confidence interval.
     *
     * @param low the 2.5th percentile
     * @param high the 97.5th percentile
     */
    public record Interval(double low, double high) {
        static Interval of(double[] values) {
            double[] sorted = values.clone();
            Arrays.sort(sorted);
            int outside = (int) Math.floor((1 - COVERAGE) / 2 * sorted.length);
            return new Interval(sorted[outside], sorted[sorted.length - 1 - outside]);
        }
    }

    /**
     * Returns the interval of the true accept rate at a false accept rate, by resampling pairs. It is too narrow where
     * pairs share people.
     *
     * @param far false accept rate, in [0, 1]
     */
    public Interval tarOverPairs(Roc roc, double far) {
        RandomVariates random = new RandomVariates(seed);
        int n = roc.impostorPairs();
        int allowed = Roc.allowed(far, n);
        double[] tars = new double[resamples];
        for (int i = 0; i < resamples; i++) {
            double accepted = 1;
            if (allowed < n) {
                int rank = (int) Math.min(n - 1, random.beta(allowed + 1.0, (double) n - allowed) * n);
                accepted = roc.tar(Math.nextUp(roc.impostorFromTop(rank)));
            }
            tars[i] = (double) random.binomial(roc.genuinePairs(), accepted) / roc.genuinePairs();
        }
        return Interval.of(tars);
    }

    /**
     * Returns the intervals of the true accept rates at several false accept rates, by resampling people.
     *
     * @param pairs of every face with every other
     * @param far false accept rates in [0, 1], in ascending order
     * @return one interval per rate
     * @throws IllegalArgumentException when the pairs come from a list, which does not say who is in them
     */
    public Interval[] tarOverIdentities(Verification pairs, double... far) {
        if (!(pairs.pairing() instanceof Pairing.AllPairs all)) {
            throw new IllegalArgumentException("pairs must be of every face with every other to resample people, but"
                    + " were a list; use the interval over pairs (tarOverPairs)");
        }
        People people = new People(pairs, all.labels(), KEPT_FACTOR * far[far.length - 1]);
        RandomVariates random = new RandomVariates(seed);
        double[][] tars = new double[far.length][resamples];
        for (int i = 0; i < resamples; i++) {
            int[] timesDrawn = people.resample(random);
            for (int rate = 0; rate < far.length; rate++) {
                tars[rate][i] = people.tar(timesDrawn, far[rate]);
            }
        }
        return Arrays.stream(tars).map(Interval::of).toArray(Interval[]::new);
    }

    /** The scores, grouped by the people that the pairs are of. */
    private static final class People {
        private final int[] faces; // number of faces, per person
        private final int[] present; // people who have faces
        private final double[][] genuine; // ascending, per person
        private final double[] highest; // the highest impostor scores, descending; the threshold lies among them
        private final int[] firsts; // the first person of each of those pairs
        private final int[] seconds; // the second person

        People(Verification pairs, int[] labels, double keptShare) {
            int count = Arrays.stream(labels).max().orElse(-1) + 1;
            faces = new int[count];
            for (int label : labels) {
                faces[label]++;
            }
            present = IntStream.range(0, count)
                    .filter(person -> faces[person] > 0)
                    .toArray();
            genuine = new double[count][];
            int[] filled = new int[count];
            for (int person = 0; person < count; person++) {
                genuine[person] = new double[(int) Pairing.AllPairs.pairsBefore(faces[person])];
            }
            double[] impostor = pairs.different();
            Roc.ofOwned(pairs.same(), impostor); // sorts the scores, and rejects those that cannot be measured
            int kept = (int) Math.min(impostor.length, Math.max(MIN_KEPT, keptShare * impostor.length));
            double lowestKept = impostor[impostor.length - kept];
            long[] order = new long[impostor.length - firstAtLeast(impostor, lowestKept)];
            int next = 0;
            for (int pair = 0; pair < pairs.size(); pair++) {
                double score = pairs.score(pair);
                if (pairs.isSame(pair)) {
                    int person = labels[pairs.first(pair)];
                    genuine[person][filled[person]++] = score;
                } else if (score >= lowestKept) {
                    order[next++] = sortable(score) << Integer.SIZE | pair;
                }
            }
            Arrays.stream(genuine).forEach(Arrays::sort);
            Arrays.sort(order);
            highest = new double[next];
            firsts = new int[next];
            seconds = new int[next];
            for (int i = 0; i < next; i++) {
                int pair = (int) order[next - 1 - i];
                highest[i] = pairs.score(pair);
                firsts[i] = labels[pairs.first(pair)];
                seconds[i] = labels[pairs.second(pair)];
            }
        }

        /**
         * Returns the bits of the score as a float, arranged so that they sort as the score does. They take 4 bytes
         * beside the number of the pair, at a precision of 1e-7.
         */
        private static long sortable(double score) {
            int bits = Float.floatToIntBits((float) score);
            return bits ^ (bits >> 31 & Integer.MAX_VALUE);
        }

        private static int firstAtLeast(double[] ascending, double value) {
            int low = 0;
            int high = ascending.length;
            while (low < high) {
                int middle = (low + high) >>> 1;
                if (ascending[middle] < value) {
                    low = middle + 1;
                } else {
                    high = middle;
                }
            }
            return low;
        }

        /** Returns how often each person is drawn; repeats the draw when it has no genuine or no impostor pair. */
        int[] resample(RandomVariates random) {
            while (true) {
                int[] timesDrawn = new int[faces.length];
                for (int i = 0; i < present.length; i++) {
                    timesDrawn[present[random.below(present.length)]]++;
                }
                if (genuinePairs(timesDrawn) > 0 && impostorPairs(timesDrawn) > 0) {
                    return timesDrawn;
                }
            }
        }

        private double genuinePairs(int[] timesDrawn) {
            double pairs = 0;
            for (int person = 0; person < timesDrawn.length; person++) {
                pairs += (double) timesDrawn[person] * genuine[person].length;
            }
            return pairs;
        }

        private double impostorPairs(int[] timesDrawn) {
            double sum = 0;
            double squares = 0;
            for (int person = 0; person < timesDrawn.length; person++) {
                double drawn = (double) timesDrawn[person] * faces[person];
                sum += drawn;
                squares += drawn * drawn;
            }
            return (sum * sum - squares) / 2;
        }

        double tar(int[] timesDrawn, double far) {
            double highestRejected = highestRejected(timesDrawn, far * impostorPairs(timesDrawn) + 1e-9);
            double accepted = 0;
            for (int person = 0; person < timesDrawn.length; person++) {
                if (timesDrawn[person] > 0) {
                    double[] scores = genuine[person];
                    int above = scores.length - firstAtLeast(scores, Math.nextUp(highestRejected));
                    accepted += (double) timesDrawn[person] * above;
                }
            }
            return accepted / genuinePairs(timesDrawn);
        }

        /** Returns the score of the first impostor pair that would be one too many. */
        private double highestRejected(int[] timesDrawn, double allowed) {
            double accepted = 0;
            for (int i = 0; i < highest.length; i++) {
                accepted += (double) timesDrawn[firsts[i]] * timesDrawn[seconds[i]];
                if (accepted > allowed) {
                    return highest[i];
                }
            }
            return allowed >= impostorPairs(timesDrawn) ? Double.NEGATIVE_INFINITY : highest[highest.length - 1];
        }
    }
}
