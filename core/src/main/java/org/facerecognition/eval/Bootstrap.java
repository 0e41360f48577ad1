package org.facerecognition.eval;

import java.util.Arrays;
import java.util.function.Predicate;
import java.util.stream.IntStream;

/**
 * Confidence intervals of 95 % for true accept rates: over resampled people (Efron's percentile bootstrap), or over
 * independent pairs, by exact intervals that are melded. Where there are no or few errors, no interval is narrower than
 * that of Clopper and Pearson for as many people or genuine pairs. The same seed gives the same interval.
 *
 * @param resamples number of resampled data sets, or of random draws for pairs; 1,000 is usual
 * @param seed of the random generator
 */
public record Bootstrap(int resamples, long seed) {
    /*
     * Pairs. Resampling them is too optimistic where fewer than about ten impostor pairs may be accepted: it covered
     * 66 to 97 % of the true rates instead of 95 % with one to three of them. Two exact intervals are combined instead
     * (Fay, Proschan and Brittain, "Combining one-sample confidence procedures for inference in the two-sample case",
     * Biometrics 71, 2015). The number of impostor pairs above the threshold of the population is binomial with the
     * asked rate, so a draw of it chooses the impostor score that bounds the threshold from above or below. The number
     * of genuine pairs above that score has Clopper and Pearson's beta distribution, from which the rate is drawn. When
     * no impostor pair is above, the threshold has no upper bound, and the rate is 0. In 1,000 simulated data sets of
     * normal scores for each of the true rates 0.5, 0.9, 0.99 and 0.999, the interval of as many genuine as impostor
     * pairs covered:
     *
     *   pairs, FAR      allowed   this          resampling
     *    1,000, 1e-3      1       98.7-99.7 %   67-82 %
     *   10,000, 1e-4      1       98.4-99.2 %   66-83 %
     *    3,000, 1e-3      3       98.7-99.4 %   83-97 %
     *   10,000, 1e-3     10       96.8-98.3 %   92-97 %
     *   10,000, 1e-2    100       95.0-97.6 %   94-97 %
     *
     * People. Pairs that share a person are not independent, so an interval over pairs is too narrow. Here people are
     * drawn with replacement. An impostor pair counts as often as its first person was drawn times as often as its
     * second person was drawn. A genuine pair counts as often as its person was drawn; this number is not squared,
     * because a person is not compared with a copy of themselves. The threshold is found by walking down the highest
     * impostor scores, of which five times as many are kept as the largest rate needs.
     */
    private static final double COVERAGE = 0.95;
    private static final double KEPT_FACTOR = 5;
    private static final int MIN_KEPT = 100_000;
    private static final int FEW_PEOPLE = 5;

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
     * @param low the lower end, in [0, 1]; the true rate is below it in 2.5 % of the cases at most
     * @param high the upper end, in [0, 1]
     */
    public record Interval(double low, double high) {
        static Interval of(double[] values) {
            double[] sorted = values.clone();
            Arrays.sort(sorted);
            int outside = (int) Math.floor((1 - COVERAGE) / 2 * sorted.length);
            return new Interval(sorted[outside], sorted[sorted.length - 1 - outside]);
        }

        /** Returns the smallest interval that contains this one and that of Clopper and Pearson. */
        Interval with(double rate, double trials) {
            double confidence = (1 + COVERAGE) / 2; // of each end
            return new Interval(
                    Math.min(low, BinomialBound.lower(rate, trials, confidence)),
                    Math.max(high, BinomialBound.upper(rate, trials, confidence)));
        }
    }

    /**
     * Returns the interval of the true accept rate at a false accept rate, over independent pairs. It is no bootstrap:
     * it melds the exact intervals of the threshold and of the rate, by as many random draws as there are resamples. It
     * is too narrow where pairs share people.
     *
     * @param far false accept rate, in [0, 1]
     * @return at least as wide as the interval of Clopper and Pearson for as many genuine pairs; from 0 where there are
     *     too few impostor pairs to bound the threshold, below about 4 / far
     * @throws IllegalArgumentException when {@code far} is not in [0, 1]
     */
    public Interval tarOverPairs(Roc roc, double far) {
        double observed = roc.tarAtFar(far);
        RandomVariates random = new RandomVariates(seed);
        double[] low = new double[resamples];
        double[] high = new double[resamples];
        for (int i = 0; i < resamples; i++) {
            int above = random.binomial(roc.impostorPairs(), far);
            low[i] = above == 0 ? 0 : random.lowerRate(genuineAbove(roc, above - 1), roc.genuinePairs());
            high[i] = above == roc.impostorPairs() ? 1 : random.upperRate(genuineAbove(roc, above), roc.genuinePairs());
        }
        return new Interval(Interval.of(low).low, Interval.of(high).high).with(observed, roc.genuinePairs());
    }

    /** Returns the number of genuine pairs above the impostor pair of this rank, where 0 is the highest. */
    private static int genuineAbove(Roc roc, int rank) {
        return (int) Math.round(roc.tar(Math.nextUp(roc.impostorFromTop(rank))) * roc.genuinePairs());
    }

    /**
     * Returns the intervals of the true accept rates at several false accept rates, by resampling people.
     *
     * @param pairs of every face with every other
     * @param far false accept rates in [0, 1], in ascending order
     * @return one interval per rate. Where fewer than 5 people have an error, the lower end is at most that of Clopper
     *     and Pearson at the measured rate for as many trials as there are people with at least two faces: resampling
     *     cannot show how often people are missing who are rarely recognized. The same for accepted pairs and the upper
     *     end
     * @throws IllegalArgumentException when the pairs come from a list, which does not say who is in them
     */
    public Interval[] tarOverIdentities(Verification pairs, double... far) {
        if (!(pairs.pairing() instanceof Pairing.AllPairs all)) {
            throw new IllegalArgumentException("pairs must be of every face with every other to resample people, but"
                    + " were a list; use the interval over pairs (tarOverPairs)");
        }
        People people = new People(pairs, all.labels(), KEPT_FACTOR * far[far.length - 1]);
        double[][] tars = people.resampledTars(this, far);
        return IntStream.range(0, far.length)
                .mapToObj(rate -> people.widened(Interval.of(tars[rate]), far[rate]))
                .toArray(Interval[]::new);
    }

    /** The scores, grouped by the people that the pairs are of. */
    static final class People {
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
            sortExactly(order, pairs);
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

        /** Sorts those that are one float by their scores in full: those of a model that has learned little. */
        private static void sortExactly(long[] order, Verification pairs) {
            int to;
            for (int from = 0; from < order.length; from = to) {
                to = from + 1;
                while (to < order.length && order[to] >> Integer.SIZE == order[from] >> Integer.SIZE) {
                    to++;
                }
                if (to - from > 1) {
                    for (int i = from; i < to; i++) {
                        int pair = (int) order[i];
                        order[i] = beyondFloat(pairs.score(pair)) << Integer.SIZE | pair;
                    }
                    Arrays.sort(order, from, to);
                }
            }
        }

        /** Returns how many doubles lie between the score as a float and the score. */
        private static long beyondFloat(double score) {
            long distance = Double.doubleToLongBits(score) - Double.doubleToLongBits((float) score);
            long signed = score < 0 ? -distance : distance;
            return Math.max(Integer.MIN_VALUE, Math.min(Integer.MAX_VALUE, signed));
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

        /** Returns the true accept rates of resampled people, by false accept rate, in the order of the resamples. */
        double[][] resampledTars(Bootstrap bootstrap, double... far) {
            RandomVariates random = new RandomVariates(bootstrap.seed);
            double[][] tars = new double[far.length][bootstrap.resamples];
            for (int i = 0; i < bootstrap.resamples; i++) {
                int[] timesDrawn = resample(random);
                for (int rate = 0; rate < far.length; rate++) {
                    tars[rate][i] = tar(timesDrawn, far[rate]);
                }
            }
            return tars;
        }

        /** Returns an interval that allows for people who are missing, where few people make a difference. */
        Interval widened(Interval interval, double far) {
            int[] once = new int[faces.length];
            Arrays.fill(once, 1);
            double threshold = Math.nextUp(highestRejected(once, far * impostorPairs(once) + 1e-9));
            long trials = people(scores -> scores.length > 0);
            Interval exact = interval.with(tar(once, far), trials);
            boolean fewRejected = people(scores -> scores.length > 0 && scores[0] < threshold) < FEW_PEOPLE;
            boolean fewAccepted =
                    people(scores -> scores.length > 0 && scores[scores.length - 1] >= threshold) < FEW_PEOPLE;
            return new Interval(fewRejected ? exact.low : interval.low, fewAccepted ? exact.high : interval.high);
        }

        private long people(Predicate<double[]> ofGenuineScores) {
            return Arrays.stream(genuine).filter(ofGenuineScores).count();
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
