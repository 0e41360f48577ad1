package org.facerecognition.eval;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.function.IntConsumer;
import java.util.function.IntFunction;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import org.facerecognition.natives.ParallelStreams;

/**
 * Finds the thresholds that keep given false accept rates on faces of people the model was not trained on, with an
 * upper confidence bound of the rate on other such people.
 */
/*
 * All impostor pairs are compared: every face with every face of every other person. These pairs are far from
 * independent. A person who resembles many others affects all pairs with that person, so ten million pairs of 250
 * people carry much less information than ten million independent trials. A binomial bound over the pairs would be too
 * optimistic, and the rate on new people would often exceed it.
 *
 * The bound is therefore computed for an effective number of trials, as in survey statistics (Korn and Graubard,
 * "Confidence intervals for proportions with small expected number of positive counts estimated from survey data",
 * 1998), in three steps:
 *
 * 1. The variance of the rate is estimated by leaving out one person at a time. This jackknife is conservative for
 *    pairs (Efron and Stein, 1981).
 * 2. The effective number of trials is the number whose binomial variance equals that estimate. It is reduced by
 *    Student's factor, because the estimate itself comes from few people.
 * 3. The exact binomial bound (Clopper and Pearson, 1934) is taken for that number.
 *
 * The variance counts twice, because the rate on as many other people varies too. A sample of people may lack the few
 * who resemble many and then understates the variance, so the bound is taken at a nominal 99 %. It then covered the
 * rate on other people in 96.5 to 100 % of 200 trials in each of twenty simulated populations. These had 25 to 250
 * people and ranged from people who are all equally distinct to some people who resemble half of the others
 * (CalibrationTest, on demand).
 *
 * Where people have very unequal numbers of images, a few of them decide. The number of people is then replaced by
 * Kish's effective number, (sum w)^2 / (sum w^2), where w is the number of impostor pairs of a person ("Survey
 * Sampling", 1965). It decides Student's factor and the number of disjoint pairs. That alone covered 90.8 to 99.2 %,
 * since the variance is understated too. The trials are therefore also multiplied by the square root of the effective
 * share of the people, a factor chosen by simulation. With 60 / rank images per person, the bound then covered the rate
 * on other people in 96.3 to 99.8 % of 600 trials each, where it had covered 90.0 to 98.8 %. These were 25, 78 and 246
 * people at their lowest rates, of four populations: in three of them some people resemble others, in one some images
 * are bad. For equal numbers of images the bound is the same as without this.
 *
 * Which rates can be estimated depends on the number of pairs of people, since at most these are independent. At least
 * 3 / p of them are required for a rate p: 25 people for 1 %, 78 for 0.1 % and 246 for 0.01 %. By the rule of three,
 * these would show with 95 % confidence that the rate is at most p if there were no error among them. But the threshold
 * admits a share p of the pairs, so that the rate on other people is above p half of the time or more. The upper bound
 * of the point holds with 95 % confidence; with so few people it is several times p.
 *
 * Scores are counted in bins of 2e-6, so that memory does not grow with the number of pairs. The scores of the highest
 * bin are counted again in bins of 2e-12, because a barely trained network maps all faces to nearly the same direction.
 * A threshold is the edge of a bin.
 */
public final class Calibration {
    /** This number divided by a rate p is the number of pairs of people from which p is estimated. */
    static final double RULE_OF_THREE = 3;

    private static final double CONFIDENCE = 0.99; // nominal; covers 95 % on other people, see above
    private static final int BINS = 1 << 20;
    private static final double NEXT_RATE = Math.pow(2, -0.25); // of the rates that atMost tries
    private static final int SAMPLES = 2; // both vary: the rate on these people and that on as many others

    private final float[][] embeddings;
    private final double[] norms;
    private final int[] labels; // people, numbered from 0 without gaps
    private final int people;
    private final long[] pairsOf; // impostor pairs, per person
    private final long pairs; // impostor pairs
    private final AtomicLongArray histogram;

    private Calibration(float[][] embeddings, int[] labels) {
        this.embeddings = embeddings;
        this.norms = Verification.norms(embeddings);
        this.labels = labels;
        this.people = Arrays.stream(labels).max().orElse(-1) + 1;
        long[] faces = new long[people];
        Arrays.stream(labels).forEach(label -> faces[label]++);
        this.pairsOf = Arrays.stream(faces)
                .map(count -> count * (labels.length - count))
                .toArray();
        this.pairs = Arrays.stream(pairsOf).sum() / 2;
        this.histogram = histogram(-1);
    }

    /**
     * Compares every face with the faces of all other people.
     *
     * @param faces of at least two people, none of whom the model was trained on
     * @throws IllegalArgumentException when there is only one person, or an embedding is zero or not finite
     */
    public static Calibration of(Embedded faces) {
        int[] distinct = Arrays.stream(faces.labels()).sorted().distinct().toArray();
        if (distinct.length < 2) {
            throw new IllegalArgumentException("faces must be of at least 2 people to be compared, but were of one");
        }
        int[] labels = Arrays.stream(faces.labels())
                .map(label -> Arrays.binarySearch(distinct, label))
                .toArray();
        return new Calibration(faces.embeddings(), labels);
    }

    /**
     * An operating point: a threshold with the evidence for it.
     *
     * @param falseAcceptRate the requested rate, which {@link #at} keeps among these pairs, and {@link #atMost} keeps
     *     on other people
     * @param cosine the threshold, in [-1, 1]; two faces at or above it count as the same person
     * @param impostorPairs the number of pairs of faces of different people that were compared
     * @param falseAccepts the number of these pairs at or above the threshold, at most the requested share
     * @param people the number of people whose faces were compared
     * @param upperBound the rate that the false accept rate on as many other people does not exceed, at 95 % confidence
     */
    public record Point(
            double falseAcceptRate,
            double cosine,
            long impostorPairs,
            long falseAccepts,
            int people,
            double upperBound) {}

    /**
     * Returns the lowest threshold that accepts at most this share of the impostor pairs.
     *
     * @param falseAcceptRate in (0, 1)
     * @return empty when there are too few people to estimate this rate, or when faces of different people have the
     *     same embedding
     * @throws IllegalArgumentException when the rate is out of range
     */
    public Optional<Point> at(double falseAcceptRate) {
        requireRate(falseAcceptRate);
        double threshold = lowestThreshold((long) Math.floor(falseAcceptRate * pairs + 1e-9));
        if (people < peopleFor(falseAcceptRate) || threshold >= 1) {
            return Optional.empty();
        }
        return Optional.of(points(falseAcceptRate, new double[] {threshold}).get(0));
    }

    /**
     * Returns the lowest threshold whose upper bound is at most this rate: on other people the rate is not above it, at
     * 95 % confidence. Thresholds that accept between this share of the impostor pairs and the least that this number
     * of people can estimate are tried, each with 0.84 times the false accepts of the one before.
     *
     * @param falseAcceptRate in (0, 1)
     * @return a point whose upper bound is at most the rate; empty when there are too few people to show this, or when
     *     faces of different people have the same embedding
     * @throws IllegalArgumentException when the rate is out of range
     */
    /*
     * The strictest threshold comes first, and the first one whose bound is above the rate ends the search. Where the
     * true rate of a threshold is above the given one, so are those of all lower thresholds: the search ends wrongly
     * only if the bound of the highest of these fails, which has the probability of one test.
     */
    public Optional<Point> atMost(double falseAcceptRate) {
        requireRate(falseAcceptRate);
        double[] thresholds = DoubleStream.iterate(falseAcceptRate, rate -> rate * NEXT_RATE)
                .takeWhile(rate -> people >= peopleFor(rate))
                .map(rate -> lowestThreshold((long) Math.floor(rate * pairs + 1e-9)))
                .filter(threshold -> threshold < 1)
                .distinct()
                .toArray();
        List<Point> points = new ArrayList<>(points(falseAcceptRate, thresholds));
        Collections.reverse(points);
        return points.stream()
                .takeWhile(point -> point.upperBound() <= falseAcceptRate)
                .reduce((stricter, lower) -> lower);
    }

    private static void requireRate(double falseAcceptRate) {
        if (!(falseAcceptRate > 0 && falseAcceptRate < 1)) {
            throw new IllegalArgumentException("falseAcceptRate must be in (0, 1), but was " + falseAcceptRate);
        }
    }

    /** Returns the points of ascending thresholds, all for one requested rate. */
    private List<Point> points(double falseAcceptRate, double[] thresholds) {
        int count = thresholds.length;
        AtomicLongArray highest = new AtomicLongArray(people * count); // pairs by person and highest threshold reached
        forEachImpostorPair((i, j, cosine) -> {
            int found = Arrays.binarySearch(thresholds, cosine);
            int reached = found < 0 ? -found - 2 : found;
            if (reached >= 0) {
                highest.incrementAndGet(labels[i] * count + reached);
                highest.incrementAndGet(labels[j] * count + reached);
            }
        });
        List<Point> points = new ArrayList<>();
        long[] accepted = new long[people];
        for (int index = count - 1; index >= 0; index--) {
            for (int person = 0; person < people; person++) {
                accepted[person] += highest.get(person * count + index);
            }
            long falseAccepts = Arrays.stream(accepted).sum() / 2;
            double bound = upperBound(accepted, falseAccepts);
            points.add(new Point(falseAcceptRate, thresholds[index], pairs, falseAccepts, people, bound));
        }
        Collections.reverse(points);
        return points;
    }

    /**
     * Returns the impostor pairs that are too alike to be of different people, from the counts, which are there
     * already; the pairs are compared again only to find the first of them.
     *
     * @param name returns the name of a face
     */
    Optional<EqualImages> equalImages(IntFunction<String> name) {
        int lowest = (int) Math.ceil((EqualImages.COSINE + 1) / 2 * BINS);
        long alike = IntStream.range(lowest, BINS).mapToLong(histogram::get).sum();
        if (alike == 0) {
            return Optional.empty();
        }
        AtomicLong first = new AtomicLong(Long.MAX_VALUE);
        forEachImpostorPair((i, j, cosine) -> {
            if (bin(-1, cosine) >= lowest) {
                first.accumulateAndGet((long) i << Integer.SIZE | j, Math::min);
            }
        });
        int later = (int) (first.get() >> Integer.SIZE);
        return Optional.of(new EqualImages(alike, name.apply((int) first.get()), name.apply(later)));
    }

    /**
     * Returns the number of people needed to estimate a rate: enough for 3 / rate pairs of people. The rate on other
     * people may be higher; see {@link Point#upperBound}.
     */
    public static int peopleFor(double falseAcceptRate) {
        double pairsOfPeople = RULE_OF_THREE / falseAcceptRate;
        int people = (int) Math.ceil((1 + Math.sqrt(1 + 8 * pairsOfPeople)) / 2 - 1e-9);
        return Math.max(2, people);
    }

    /** Returns the lowest bin edge that at most this many pairs reach; 1 when more pairs have a cosine of 1. */
    private double lowestThreshold(long allowed) {
        int bin = lowestBin(histogram, allowed);
        double top = edge(-1, BINS - 1);
        return bin < BINS ? edge(-1, bin) : edge(top, lowestBin(histogram(top), allowed));
    }

    /** Returns the lowest bin such that it and all bins above it hold at most this many pairs. */
    private static int lowestBin(AtomicLongArray histogram, long allowed) {
        long above = 0;
        for (int bin = BINS - 1; bin >= 0; bin--) {
            above += histogram.get(bin);
            if (above > allowed) {
                return bin + 1;
            }
        }
        return 0;
    }

    /** Counts the cosines in [from, 1] in equal bins; lower ones are left out. */
    private AtomicLongArray histogram(double from) {
        AtomicLongArray counts = new AtomicLongArray(BINS);
        forEachImpostorPair((i, j, cosine) -> {
            if (cosine >= from) {
                counts.incrementAndGet(bin(from, cosine));
            }
        });
        return counts;
    }

    /** Returns the bin of a cosine in [from, 1]. */
    private static int bin(double from, double cosine) {
        return Math.min(BINS - 1, (int) Math.floor((cosine - from) / (1 - from) * BINS));
    }

    /** Returns the lower edge of a bin of [from, 1]. */
    private static double edge(double from, int bin) {
        return from + (1 - from) * bin / BINS;
    }

    private double upperBound(long[] acceptedOf, long accepted) {
        double rate = (double) accepted / pairs;
        double variance = SAMPLES * jackknifeVariance(acceptedOf, accepted);
        double effective = effectivePeople();
        double disjoint = Math.floor(effective / 2 + 1e-9); // pairs that share no person are independent
        double discount = BinomialBound.studentFactor(effective - 1) * Math.sqrt(effective / people);
        double trials = variance > 0 ? rate * (1 - rate) / variance * discount : 0;
        return BinomialBound.upper(rate, Math.max(disjoint / SAMPLES, Math.min(pairs, trials)), CONFIDENCE);
    }

    /** Returns Kish's number: that of people with equal numbers of pairs who say as much. It is at least 2. */
    private double effectivePeople() {
        double sum = Arrays.stream(pairsOf).sum();
        double squares = Arrays.stream(pairsOf)
                .mapToDouble(count -> (double) count * count)
                .sum();
        return sum * sum / squares;
    }

    /** Returns the variance of the share of accepted pairs, estimated by leaving out one person at a time. */
    private double jackknifeVariance(long[] acceptedOf, long accepted) {
        double[] without = new double[people];
        for (int person = 0; person < people; person++) {
            long left = pairs - pairsOf[person];
            without[person] = left == 0 ? 0 : (double) (accepted - acceptedOf[person]) / left;
        }
        double mean = Arrays.stream(without).average().orElseThrow();
        double squares = Arrays.stream(without)
                .map(rate -> (rate - mean) * (rate - mean))
                .sum();
        return squares * (people - 1) / people;
    }

    private interface PairVisitor {
        void visit(int i, int j, double cosine);
    }

    private void forEachImpostorPair(PairVisitor visitor) {
        IntConsumer row = i -> {
            for (int j = 0; j < i; j++) {
                if (labels[i] != labels[j]) {
                    double cosine = Verification.dot(embeddings[i], embeddings[j]) / (norms[i] * norms[j]);
                    visitor.visit(i, j, Math.max(-1, Math.min(1, cosine)));
                }
            }
        };
        ParallelStreams.forEach(0, labels.length, row);
    }
}
