package org.facerecognition.eval;

import java.util.Arrays;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;

/**
 * Finds thresholds for false accept rates on faces of people that the model was not trained on, and says how far the
 * rate on other such people may lie above.
 */
/*
 * All impostor pairs are compared: each face with each face of another person. They are far from independent. One
 * person who resembles many is in all of that person's pairs, so that ten million pairs of 250 people know much less
 * than ten million independent trials do, and a binomial bound over them would be a promise that strangers break.
 *
 * So the bound is that of an effective number of trials, as survey statistics do it (Korn and Graubard, "Confidence
 * intervals for proportions with small expected number of positive counts estimated from survey data", 1998): the
 * variance of the rate is estimated by leaving out one person at a time (the jackknife, which for pairs errs on the
 * safe side: Efron and Stein, 1981); the effective number of trials is the one whose binomial variance is as large,
 * reduced by Student's factor for the few people that it was estimated on; and the exact binomial bound (Clopper and
 * Pearson, 1934) is taken for that number. The variance is taken twice: the rate on other people, as many again, varies
 * too. A sample of people may lack the few who resemble many, and then understates the variance; so the bound is taken
 * at 99 %. It then covered the rate on others in 96.5 to 100 % of 200 trials in each of twenty made-up worlds, of 25 to
 * 250 people, from all alike to some who resemble half the others (CalibrationTest, on demand).
 *
 * Which rates can be shown follows from the number of pairs of people, since these are what could be independent: by
 * the rule of three, without an error among 3 / p independent trials one is 95 % sure that the rate is at most p. So 25
 * people show 1 %, 78 show 0.1 % and 246 show 0.01 %.
 *
 * Scores are counted in bins of 2e-6, so that memory does not grow with the pairs, and those of the highest bin once
 * more in bins of 2e-12: networks that were hardly trained give all faces nearly the same direction. A threshold is the
 * edge of a bin.
 */
public final class Calibration {
    /** Independent trials without an error that show a rate p: this many divided by p. */
    static final double RULE_OF_THREE = 3;

    private static final double CONFIDENCE = 0.99; // for 95 % on other people, see above
    private static final int BINS = 1 << 20;
    private static final int SAMPLES_AHEAD = 2; // the rate here, and that on as many other people

    private final float[][] embeddings;
    private final double[] lengths;
    private final int[] labels; // of people, from 0, without gaps
    private final int people;
    private final long[] pairsOf; // impostor pairs, by person
    private final long pairs;
    private final AtomicLongArray histogram;

    private Calibration(float[][] embeddings, int[] labels) {
        this.embeddings = embeddings;
        this.lengths = Verification.lengths(embeddings);
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
     * Compares the faces.
     *
     * @param faces of at least two people, who must be strangers to the model
     * @throws IllegalArgumentException when there is only one person, or an embedding is zero or not finite
     */
    public static Calibration of(Embedded faces) {
        int[] names = Arrays.stream(faces.labels()).sorted().distinct().toArray();
        if (names.length < 2) {
            throw new IllegalArgumentException("faces must be of at least 2 people to be compared, but were of one");
        }
        int[] labels = Arrays.stream(faces.labels())
                .map(label -> Arrays.binarySearch(names, label))
                .toArray();
        return new Calibration(faces.embeddings(), labels);
    }

    /**
     * A threshold, and what is known of it.
     *
     * @param falseAcceptRate that was asked for
     * @param cosine at or above which two faces count as one person's, in [-1, 1]
     * @param impostorPairs pairs of faces of different people that were compared
     * @param falseAccepts of these, the pairs at or above the threshold: at most the rate's share
     * @param people whose faces were compared
     * @param upperBound which the false accept rate on other people, as many again, does not exceed, at 95 % confidence
     */
    public record Point(
            double falseAcceptRate,
            double cosine,
            long impostorPairs,
            long falseAccepts,
            int people,
            double upperBound) {}

    /**
     * The lowest threshold that accepts at most this share of the impostor pairs.
     *
     * @param falseAcceptRate in (0, 1)
     * @return empty where so few people cannot show this rate, or where faces of different people are the same image
     * @throws IllegalArgumentException when the rate is out of range
     */
    public Optional<Point> at(double falseAcceptRate) {
        if (!(falseAcceptRate > 0 && falseAcceptRate < 1)) {
            throw new IllegalArgumentException("falseAcceptRate must be in (0, 1), but was " + falseAcceptRate);
        }
        double threshold = lowestThreshold((long) Math.floor(falseAcceptRate * pairs + 1e-9));
        if (people < peopleFor(falseAcceptRate) || threshold >= 1) {
            return Optional.empty();
        }
        AtomicLongArray acceptedOf = new AtomicLongArray(people);
        forEachImpostorPair((i, j, cosine) -> {
            if (cosine >= threshold) {
                acceptedOf.incrementAndGet(labels[i]);
                acceptedOf.incrementAndGet(labels[j]);
            }
        });
        long[] accepted = IntStream.range(0, people).mapToLong(acceptedOf::get).toArray();
        long falseAccepts = Arrays.stream(accepted).sum() / 2;
        return Optional.of(
                new Point(falseAcceptRate, threshold, pairs, falseAccepts, people, upperBound(accepted, falseAccepts)));
    }

    /** People needed to show a rate: as many as make 3 / rate pairs of people. */
    public static int peopleFor(double falseAcceptRate) {
        double pairsOfPeople = RULE_OF_THREE / falseAcceptRate;
        int people = (int) Math.ceil((1 + Math.sqrt(1 + 8 * pairsOfPeople)) / 2 - 1e-9);
        return Math.max(2, people);
    }

    /** At or above which at most so many pairs are; 1 where more pairs are of the very same direction. */
    private double lowestThreshold(long allowed) {
        int bin = lowestBin(histogram, allowed);
        double top = edge(-1, BINS - 1);
        return bin < BINS ? edge(-1, bin) : edge(top, lowestBin(histogram(top), allowed));
    }

    /** The first bin from which on, up to the highest cosine, at most so many pairs are. */
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

    /** Of the cosines from here to 1; lower ones are left out. */
    private AtomicLongArray histogram(double from) {
        AtomicLongArray counts = new AtomicLongArray(BINS);
        forEachImpostorPair((i, j, cosine) -> {
            if (cosine >= from) {
                int bin = (int) Math.floor((cosine - from) / (1 - from) * BINS);
                counts.incrementAndGet(Math.min(BINS - 1, bin));
            }
        });
        return counts;
    }

    /** Where a bin begins. */
    private static double edge(double from, int bin) {
        return from + (1 - from) * bin / BINS;
    }

    private double upperBound(long[] acceptedOf, long accepted) {
        double rate = (double) accepted / pairs;
        double variance = SAMPLES_AHEAD * jackknifeVariance(acceptedOf, accepted);
        double independent = people / 2; // pairs that share nobody: so many there are at least
        double trials = variance > 0 ? rate * (1 - rate) / variance * BinomialBound.studentFactor(people - 1) : 0;
        return BinomialBound.upper(rate, Math.max(independent / SAMPLES_AHEAD, Math.min(pairs, trials)), CONFIDENCE);
    }

    /** Of the share of accepted pairs, leaving out one person at a time. */
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
                    double cosine = Verification.dot(embeddings[i], embeddings[j]) / (lengths[i] * lengths[j]);
                    visitor.visit(i, j, Math.max(-1, Math.min(1, cosine)));
                }
            }
        };
        IntStream.range(0, labels.length).parallel().forEach(row);
    }
}
