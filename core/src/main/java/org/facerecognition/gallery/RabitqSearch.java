package org.facerecognition.gallery;

import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * Approximate search that scans the {@link SignCodes} of all prototypes in three stages: Hamming distances select a few
 * hundred candidates, cosines estimated from the codes reduce them to efSearch, and exact cosines of their vectors rank
 * those.
 */
/*
 * The largest admissible Hamming distance is estimated from a sample first, so one pass over the codes at about the
 * speed of memory selects the candidates. Ranking all codes exactly took a second pass and half as long again.
 */
final class RabitqSearch extends PrototypeSearch {
    private static final int ESTIMATES_PER_EF = 8;
    private static final int PART = SignCodes.CHUNK / 4; // codes that one thread scans at a time
    private static final int TILE = 256; // a divisor of PART
    private static final int SAMPLE = 4_096; // minimum number of sampled prototypes, if there are that many

    RabitqSearch(Vectors vectors) {
        super(vectors);
    }

    @Override
    void connect(int first, int end) {
        // the index consists only of the codes
    }

    @Override
    int[] nearestPrototypes(Query query, Rows.View view, int count, int k, int efSearch) {
        int maxDistance = maxDistance(query.estimates(), count, (long) ESTIMATES_PER_EF * efSearch);
        int[] near = parts(count)
                .mapToObj(from -> within(query.estimates(), from, Math.min(count, from + PART), maxDistance))
                .flatMapToInt(Arrays::stream)
                .toArray();
        int[] nearer = bestFirst(near, query.estimates()::cosine)
                .filter(prototype -> prototypes().has(prototype, view)) // last, because it costs more than an estimate
                .limit(efSearch)
                .toArray();
        return bestFirst(nearer, query::cosine).limit(k).toArray();
    }

    private static IntStream parts(int count) {
        int parts = (count + PART - 1) / PART;
        IntStream numbers = IntStream.range(0, parts);
        return (parts > 1 ? numbers.parallel() : numbers).map(part -> part * PART);
    }

    /** Estimates from a sample the smallest Hamming distance within which at least {@code atLeast} prototypes lie. */
    private int maxDistance(SignCodes.Probe probe, int count, long atLeast) {
        int every = Math.max(1, count / SAMPLE);
        int[] histogram = new int[codes().bits() + 1];
        int[] hammingDistances = new int[TILE];
        for (int from = 0; from < count; from += every * TILE) {
            int size = Math.min(count - from, TILE);
            probe.hammingDistances(from, from + size, hammingDistances);
            for (int i = 0; i < size; i++) {
                histogram[hammingDistances[i]] += every;
            }
        }
        long cumulative = 0;
        int distance = 0;
        while (distance < codes().bits() && (cumulative += histogram[distance]) < atLeast) {
            distance++;
        }
        return distance;
    }

    /** Returns the prototypes of a range whose Hamming distance is at most {@code maxDistance}. */
    private static int[] within(SignCodes.Probe probe, int first, int end, int maxDistance) {
        int[] near = new int[TILE];
        int size = 0;
        int[] hammingDistances = new int[TILE]; // small enough for the L1 cache
        for (int from = first; from < end; from += TILE) {
            int to = Math.min(end, from + TILE);
            probe.hammingDistances(from, to, hammingDistances);
            if (near.length < size + TILE) {
                near = Arrays.copyOf(near, 2 * near.length);
            }
            for (int prototype = from; prototype < to; prototype++) {
                if (hammingDistances[prototype - from] <= maxDistance) {
                    near[size++] = prototype;
                }
            }
        }
        return Arrays.copyOf(near, size);
    }

    private interface Score {
        float of(int prototype);
    }

    private static IntStream bestFirst(int[] prototypes, Score score) {
        return Arrays.stream(prototypes)
                .mapToLong(prototype -> (long) ~sortable(score.of(prototype)) << Integer.SIZE | prototype)
                .sorted()
                .mapToInt(key -> (int) key);
    }

    /** Maps floats to integers of the same order. */
    private static int sortable(float score) {
        int bits = Float.floatToIntBits(score);
        return bits >= 0 ? bits : bits ^ Integer.MAX_VALUE;
    }
}
