package org.facerecognition.eval;

import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * How sure a figure is: the interval that holds the middle 95 % of it over resampled data (Efron's percentile bootstrap).
 * The same seed gives the same interval.
 *
 * @param resamples how often the data is drawn anew; 1,000 is usual
 * @param seed of the draws
 */
public record Bootstrap(int resamples, long seed) {
    /*
     * Over pairs. A resample draws as many pairs of each kind as there are, with replacement. Ten million draws a thousand
     * times over would take minutes, and are not needed: of the pairs of different people only the score matters that has
     * `allowed` others above it, and its rank among the originals is n times the (allowed+1)-th smallest of n uniform
     * numbers, which has a beta distribution; the number of pairs of the same person above that score is then binomial.
     * Drawing these two numbers is the same experiment, in a microsecond.
     *
     * Over identities. Pairs that share a person are not independent, so an interval over pairs is too narrow. Here people are
     * drawn with replacement; a pair of different people counts as often as its first is drawn times its second, a pair
     * of one person as often as that one is drawn (not squared: a copy is not compared with itself). The threshold is found by
     * a walk down the highest scores of different people, of which five times as many are kept as the largest rate needs.
     */
    private static final double INSIDE = 0.95;
    private static final double KEPT_FACTOR = 5;
    private static final int MIN_KEPT = 100_000;

    /** The usual: 1,000 resamples. */
    public static final Bootstrap DEFAULT = new Bootstrap(1000, 0);

    /** @throws IllegalArgumentException when there are fewer than 2 resamples */
    public Bootstrap {
        if (resamples < 2) {
            throw new IllegalArgumentException("resamples must be at least 2, but were " + resamples);
        }
    }

    /** From the 2.5th to the 97.5th percentile. */
    public record Interval(double low, double high) {
        static Interval of(double[] values) {
            double[] sorted = values.clone();
            Arrays.sort(sorted);
            int outside = (int) Math.floor((1 - INSIDE) / 2 * sorted.length);
            return new Interval(sorted[outside], sorted[sorted.length - 1 - outside]);
        }
    }

    /**
     * Of the true accept rate at a false accept rate, over pairs drawn anew. Too narrow where pairs share people.
     *
     * @param far in [0, 1]
     */
    public Interval tarOverPairs(Roc roc, double far) {
        Draws draws = new Draws(seed);
        int n = roc.impostorPairs();
        int allowed = Roc.allowed(far, n);
        double[] tars = new double[resamples];
        for (int i = 0; i < resamples; i++) {
            double accepted = 1;
            if (allowed < n) {
                int rank = (int) Math.min(n - 1, draws.beta(allowed + 1.0, (double) n - allowed) * n);
                accepted = roc.tar(Math.nextUp(roc.differentFromTop(rank)));
            }
            tars[i] = (double) draws.binomial(roc.genuinePairs(), accepted) / roc.genuinePairs();
        }
        return Interval.of(tars);
    }

    /**
     * Of the true accept rates at false accept rates, over people drawn anew.
     *
     * @param pairs of each face with each other
     * @param far in [0, 1], rising
     * @return for each rate its interval
     * @throws IllegalArgumentException when the pairs are a list, of which nobody knows who is in them
     */
    public Interval[] tarOverIdentities(Verification pairs, double... far) {
        if (!(pairs.pairing() instanceof Pairing.EachWithEach each)) {
            throw new IllegalArgumentException(
                    "pairs must be of each face with each other to draw people anew, but were a"
                            + " list; take the interval over pairs");
        }
        People people = new People(pairs, each.labels(), KEPT_FACTOR * far[far.length - 1]);
        Draws draws = new Draws(seed);
        double[][] tars = new double[far.length][resamples];
        for (int i = 0; i < resamples; i++) {
            int[] times = people.drawn(draws);
            for (int rate = 0; rate < far.length; rate++) {
                tars[rate][i] = people.tar(times, far[rate]);
            }
        }
        return Arrays.stream(tars).map(Interval::of).toArray(Interval[]::new);
    }

    /** The pairs, by the people in them. */
    private static final class People {
        private final int[] faces; // of each person
        private final int[] present; // people with faces
        private final double[][] same; // rising, of each person
        private final double[] highest; // scores of different people, falling, of a resample's threshold all it can be
        private final int[] firsts; // the people of those
        private final int[] seconds;

        People(Verification pairs, int[] labels, double keptShare) {
            int count = Arrays.stream(labels).max().orElse(-1) + 1;
            faces = new int[count];
            for (int label : labels) {
                faces[label]++;
            }
            present = IntStream.range(0, count)
                    .filter(person -> faces[person] > 0)
                    .toArray();
            same = new double[count][];
            int[] filled = new int[count];
            for (int person = 0; person < count; person++) {
                same[person] = new double[(int) Pairing.EachWithEach.pairsBelow(faces[person])];
            }
            double[] different = pairs.different();
            Roc.ofOwned(pairs.same(), different); // sorts, and refuses what cannot be measured
            int kept = (int) Math.min(different.length, Math.max(MIN_KEPT, keptShare * different.length));
            double least = different[different.length - kept];
            long[] order = new long[different.length - firstAtLeast(different, least)];
            int next = 0;
            for (int pair = 0; pair < pairs.size(); pair++) {
                double score = pairs.score(pair);
                if (pairs.isSame(pair)) {
                    int person = labels[pairs.first(pair)];
                    same[person][filled[person]++] = score;
                } else if (score >= least) {
                    order[next++] = sortable(score) << Integer.SIZE | pair;
                }
            }
            Arrays.stream(same).forEach(Arrays::sort);
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

        /** The score as a float whose bits rise with it: 1e-7 of precision for 4 bytes beside the pair's number. */
        private static long sortable(double score) {
            int bits = Float.floatToIntBits((float) score);
            return bits ^ (bits >> 31 & Integer.MAX_VALUE);
        }

        private static int firstAtLeast(double[] rising, double least) {
            int low = 0;
            int high = rising.length;
            while (low < high) {
                int middle = (low + high) >>> 1;
                if (rising[middle] < least) {
                    low = middle + 1;
                } else {
                    high = middle;
                }
            }
            return low;
        }

        /** How often each person is drawn; drawn again where a kind of pair is missing. */
        int[] drawn(Draws draws) {
            while (true) {
                int[] times = new int[faces.length];
                for (int i = 0; i < present.length; i++) {
                    times[present[draws.below(present.length)]]++;
                }
                if (genuinePairs(times) > 0 && impostorPairs(times) > 0) {
                    return times;
                }
            }
        }

        private double genuinePairs(int[] times) {
            double pairs = 0;
            for (int person = 0; person < times.length; person++) {
                pairs += (double) times[person] * same[person].length;
            }
            return pairs;
        }

        private double impostorPairs(int[] times) {
            double sum = 0;
            double squares = 0;
            for (int person = 0; person < times.length; person++) {
                double drawn = (double) times[person] * faces[person];
                sum += drawn;
                squares += drawn * drawn;
            }
            return (sum * sum - squares) / 2;
        }

        double tar(int[] times, double far) {
            double refusedFrom = threshold(times, far * impostorPairs(times) + 1e-9);
            double accepted = 0;
            for (int person = 0; person < times.length; person++) {
                if (times[person] > 0) {
                    double[] scores = same[person];
                    int above = scores.length - firstAtLeast(scores, Math.nextUp(refusedFrom));
                    accepted += (double) times[person] * above;
                }
            }
            return accepted / genuinePairs(times);
        }

        /** The score of the first pair that would be one too many. */
        private double threshold(int[] times, double allowed) {
            double accepted = 0;
            for (int i = 0; i < highest.length; i++) {
                accepted += (double) times[firsts[i]] * times[seconds[i]];
                if (accepted > allowed) {
                    return highest[i];
                }
            }
            return allowed >= impostorPairs(times) ? Double.NEGATIVE_INFINITY : highest[highest.length - 1];
        }
    }
}
