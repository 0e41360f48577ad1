package org.facerecognition.gallery;

import java.util.Arrays;
import java.util.List;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;
import org.facerecognition.natives.ParallelStreams;

/**
 * Scans {@link SignCodes} for those nearest to a probe in two stages: Hamming distances select a few hundred
 * candidates, and cosines estimated from the codes rank them.
 */
/*
 * The largest admissible Hamming distance is estimated from a sample first, so one pass over the codes at about the
 * speed of memory selects the candidates. Ranking all codes exactly took a second pass and half as long again.
 */
final class CodeScan {
    private static final int ESTIMATES_PER_RESULT = 8;
    private static final int PART = SignCodes.CHUNK / 4; // codes that one thread scans at a time
    private static final int TILE = 256; // a divisor of PART
    private static final int SAMPLE = 4_096; // minimum number of sampled vectors, if there are that many

    private final SignCodes codes;

    CodeScan(SignCodes codes) {
        this.codes = codes;
    }

    /**
     * Finds the vectors with the highest estimated cosines to a probe.
     *
     * @param count number of vectors to scan
     * @param limit largest number to return
     * @param present tells which vectors may be returned; asked for a few hundred
     * @return numbers of vectors, the best first
     */
    int[] nearest(SignCodes.Probe probe, int count, int limit, IntPredicate present) {
        return rank(probe, near(List.of(probe), count, limit)[0], limit, present);
    }

    /**
     * Finds candidates for several probes in one pass over the codes, a part of which stays in the cache for all
     * probes.
     *
     * @param limit largest number of results that will be asked of {@link #rank}
     * @return for each probe the numbers of several times as many vectors, in any order
     */
    int[][] near(List<SignCodes.Probe> probes, int count, int limit) {
        int[] maxDistances = ParallelStreams.compute(
                probes.stream(),
                all -> all.mapToInt(probe -> maxDistance(probe, count, (long) ESTIMATES_PER_RESULT * limit))
                        .toArray());
        int[][][] ofParts = new int[(count + PART - 1) / PART][][];
        ParallelStreams.forEach(0, ofParts.length, part -> {
            int from = part * PART;
            ofParts[part] = IntStream.range(0, maxDistances.length)
                    .mapToObj(i -> within(probes.get(i), from, Math.min(count, from + PART), maxDistances[i]))
                    .toArray(int[][]::new);
        });
        return IntStream.range(0, maxDistances.length)
                .mapToObj(i -> Arrays.stream(ofParts)
                        .flatMapToInt(part -> Arrays.stream(part[i]))
                        .toArray())
                .toArray(int[][]::new);
    }

    /** Returns those of the candidates of a probe that have the highest estimated cosines, the best first. */
    int[] rank(SignCodes.Probe probe, int[] near, int limit, IntPredicate present) {
        return bestFirst(near, probe::cosine)
                .filter(present) // last, because it costs more than an estimate
                .limit(limit)
                .toArray();
    }

    /** Estimates from a sample the smallest Hamming distance within which at least {@code atLeast} vectors lie. */
    private int maxDistance(SignCodes.Probe probe, int count, long atLeast) {
        int every = Math.max(1, count / SAMPLE);
        int[] histogram = new int[codes.bits() + 1];
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
        while (distance < codes.bits() && (cumulative += histogram[distance]) < atLeast) {
            distance++;
        }
        return distance;
    }

    /** Returns the vectors of a range whose Hamming distance is at most {@code maxDistance}. */
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
            for (int number = from; number < to; number++) {
                if (hammingDistances[number - from] <= maxDistance) {
                    near[size++] = number;
                }
            }
        }
        return Arrays.copyOf(near, size);
    }

    /** Scores a vector by its number. */
    interface Score {
        float of(int number);
    }

    /** Returns numbers in descending order of their scores. */
    static IntStream bestFirst(int[] numbers, Score score) {
        return Arrays.stream(numbers)
                .mapToLong(number -> (long) ~sortable(score.of(number)) << Integer.SIZE | number)
                .sorted()
                .mapToInt(key -> (int) key);
    }

    /** Maps floats to integers of the same order. */
    private static int sortable(float score) {
        int bits = Float.floatToIntBits(score);
        return bits >= 0 ? bits : bits ^ Integer.MAX_VALUE;
    }
}
