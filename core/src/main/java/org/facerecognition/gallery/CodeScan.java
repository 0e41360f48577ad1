package org.facerecognition.gallery;

import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * Looks at every prototype: by the signs that it shares with the probe, then, some hundreds of them, by what their codes let
 * expect, then, as many as are held, by their vectors.
 */
/*
 * How many signs may differ is found out from a sample first. So those within are picked in one pass over the codes, at about the
 * speed of memory; to rank all of them exactly took a second pass and half as long again.
 */
final class CodeScan extends PrototypeSearch {
    private static final int ESTIMATED_FOR_EACH_HELD = 8;
    private static final int PART = SignCodes.CHUNK / 4; // of one thread at a time
    private static final int TILE = 256; // a divisor of PART
    private static final int SAMPLE = 4_096; // prototypes at least, of more

    CodeScan(Vectors vectors) {
        super(vectors);
    }

    @Override
    void connect(int first, int end) {
        // codes are all there is
    }

    @Override
    int[] nearestPrototypes(Query query, Rows.View view, int count, int wanted, int held) {
        int most = bar(query.estimates(), count, (long) ESTIMATED_FOR_EACH_HELD * held);
        int[] near = parts(count)
                .mapToObj(from -> near(query.estimates(), from, Math.min(count, from + PART), most))
                .flatMapToInt(Arrays::stream)
                .toArray();
        int[] nearer = bestFirst(near, query.estimates()::cosine)
                .filter(prototype -> prototypes().has(prototype, view)) // last: it costs more than an estimate
                .limit(held)
                .toArray();
        return bestFirst(nearer, query::cosine).limit(wanted).toArray();
    }

    private static IntStream parts(int count) {
        int parts = (count + PART - 1) / PART;
        IntStream numbers = IntStream.range(0, parts);
        return (parts > 1 ? numbers.parallel() : numbers).map(part -> part * PART);
    }

    /** The least number of signs by which, going by a sample, so many prototypes differ at most. */
    private int bar(SignCodes.Probe probe, int count, long wanted) {
        int every = Math.max(1, count / SAMPLE);
        int[] histogram = new int[codes().bits() + 1];
        int[] differing = new int[TILE];
        for (int from = 0; from < count; from += every * TILE) {
            int size = Math.min(count - from, TILE);
            probe.differing(from, from + size, differing);
            for (int i = 0; i < size; i++) {
                histogram[differing[i]] += every;
            }
        }
        long so = 0;
        int bar = 0;
        while (bar < codes().bits() && (so += histogram[bar]) < wanted) {
            bar++;
        }
        return bar;
    }

    /** Those that differ by at most so many signs. */
    private static int[] near(SignCodes.Probe probe, int first, int end, int most) {
        int[] near = new int[TILE];
        int size = 0;
        int[] differing = new int[TILE]; // stays in the processor's nearest cache
        for (int from = first; from < end; from += TILE) {
            int to = Math.min(end, from + TILE);
            probe.differing(from, to, differing);
            if (near.length < size + TILE) {
                near = Arrays.copyOf(near, 2 * near.length);
            }
            for (int prototype = from; prototype < to; prototype++) {
                if (differing[prototype - from] <= most) {
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
                .mapToLong(prototype -> (long) ~ordered(score.of(prototype)) << Integer.SIZE | prototype)
                .sorted()
                .mapToInt(one -> (int) one);
    }

    /** Numbers in the order of these. */
    private static int ordered(float score) {
        int bits = Float.floatToIntBits(score);
        return bits >= 0 ? bits : bits ^ Integer.MAX_VALUE;
    }
}
