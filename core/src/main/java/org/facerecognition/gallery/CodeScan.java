package org.facerecognition.gallery;

import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * Looks at every prototype: by the signs that it shares with the probe, then, some thousand of them, by what their codes let
 * expect, then, as many as are held, by their vectors.
 */
final class CodeScan extends PrototypeSearch {
    private static final int ESTIMATED_FOR_EACH_HELD = 16;

    CodeScan(Vectors vectors) {
        super(vectors);
    }

    @Override
    void connect(int first, int end) {
        // codes are all there is
    }

    @Override
    int[] nearestPrototypes(Query query, Rows.View view, int count, int wanted, int held) {
        int[] differing = new int[count];
        int[] histogram = parts(count)
                .mapToObj(
                        from -> differing(query.estimates(), from, Math.min(count, from + SignCodes.CHUNK), differing))
                .reduce(CodeScan::sum)
                .orElseThrow();
        int most = bar(histogram, (long) ESTIMATED_FOR_EACH_HELD * held);
        int[] near = parts(count)
                .flatMap(from -> IntStream.range(from, Math.min(count, from + SignCodes.CHUNK))
                        .filter(prototype -> differing[prototype] <= most))
                .toArray();
        int[] nearer = bestFirst(near, query.estimates()::cosine)
                .filter(prototype -> prototypes().has(prototype, view)) // last: it costs more than an estimate
                .limit(held)
                .toArray();
        return bestFirst(nearer, query::cosine).limit(wanted).toArray();
    }

    private static IntStream parts(int count) {
        int parts = (count + SignCodes.CHUNK - 1) / SignCodes.CHUNK;
        IntStream numbers = IntStream.range(0, parts);
        return (parts > 1 ? numbers.parallel() : numbers).map(part -> part * SignCodes.CHUNK);
    }

    /** @return how many prototypes differ by so many signs */
    private int[] differing(SignCodes.Probe probe, int from, int to, int[] differing) {
        probe.differing(from, to, differing);
        int[] histogram = new int[codes().bits() + 1];
        for (int prototype = from; prototype < to; prototype++) {
            histogram[differing[prototype]]++;
        }
        return histogram;
    }

    private static int[] sum(int[] a, int[] b) {
        Arrays.setAll(a, i -> a[i] + b[i]);
        return a;
    }

    /** The least number of signs by which at least so many differ at most. */
    private static int bar(int[] histogram, long wanted) {
        long so = 0;
        int bar = 0;
        while (bar < histogram.length - 1 && (so += histogram[bar]) < wanted) {
            bar++;
        }
        return bar;
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
