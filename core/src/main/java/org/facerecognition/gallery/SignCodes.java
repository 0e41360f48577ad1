package org.facerecognition.gallery;

import java.util.Arrays;
import java.util.Random;

/**
 * One bit for each value of each vector, and cosines estimated from them: 64 bytes are read where the vector itself has
 * 2,048. RaBitQ: Gao and Long, "RaBitQ: Quantizing High-Dimensional Vectors with a Theoretical Error Bound for
 * Approximate Nearest Neighbor Search", SIGMOD 2024, arXiv 2405.12497, sections 3.1 and 3.3.
 */
/*
 * A vector x of length 1 is turned at random and kept as the signs s of its values and f = 1 / <x, s>. For a probe q,
 * turned alike, <q, s> f is the cosine of q and x in the mean over all turns, with a standard deviation of .75 sqrt(1 -
 * cosine^2) / sqrt(bits): .033 at most with 512. Shorter embeddings are filled up with zeros, so that theirs is no
 * larger.
 *
 * The probe's values are rounded, up or down at random so as to be right in the mean, to one of 16 steps: u = 0..15 for
 * -7.5..7.5 of them. That adds an error of some .01. Then <q, s> is counting: bits that are set in a code and in the
 * probe's bits of weight 1, 2, 4 and 8. (To the nearest would err less, but with the sign of the value: cosines near 1
 * would come out too large.)
 *
 * As with Vectors, one thread makes room, and what a vector has is written before its number is published.
 */
final class SignCodes {
    private static final int BLOCK = 8; // words: 512 bits, the fewest
    private static final int CHUNK_BITS = 14;

    /** Vectors that lie together: 16,384, a megabyte. */
    static final int CHUNK = 1 << CHUNK_BITS;

    private static final long SEED = 0x444954484552L;
    private static final int PROBE_BITS = 4;
    private static final int LAST_STEP = (1 << PROBE_BITS) - 1;
    private static final float MIDDLE = LAST_STEP / 2f;

    private final RandomRotation rotation;
    private final float[] dither; // in [0, 1)
    private final int words; // of a vector
    private volatile Chunk[] chunks = {};

    private record Chunk(long[] signs, float[] factors) {}

    SignCodes(int dimension) {
        int bits = Math.max(BLOCK * Long.SIZE, Integer.highestOneBit(2 * dimension - 1));
        this.rotation = new RandomRotation(bits);
        this.words = bits / Long.SIZE;
        this.dither = new float[bits];
        Random random = new Random(SEED);
        for (int i = 0; i < bits; i++) {
            dither[i] = random.nextFloat();
        }
    }

    /** Makes room for so many vectors in all. */
    void reserve(int count) {
        int needed = (count + CHUNK - 1) >> CHUNK_BITS;
        int first = chunks.length;
        if (needed > first) {
            Chunk[] more = Arrays.copyOf(chunks, needed);
            for (int i = first; i < needed; i++) {
                more[i] = new Chunk(new long[CHUNK * words], new float[CHUNK]);
            }
            chunks = more;
        }
    }

    /** Writes the code of a vector for which room was made. */
    void put(int number, float[] unit) {
        Chunk chunk = chunks[number >> CHUNK_BITS];
        int place = number & (CHUNK - 1);
        float[] turned = rotation.of(unit);
        float sum = 0;
        for (int i = 0; i < turned.length; i++) {
            sum += Math.abs(turned[i]);
            if (turned[i] >= 0) {
                chunk.signs[place * words + i / Long.SIZE] |= 1L << i; // a shift takes the last six bits of i
            }
        }
        chunk.factors[place] = 1 / sum; // at least 1 / sqrt(bits): the vector has length 1
    }

    /** Overwrites the code of a vector with zeros; its estimated cosine to anything is 0 then. */
    void erase(int number) {
        Chunk chunk = chunks[number >> CHUNK_BITS];
        int place = number & (CHUNK - 1);
        Arrays.fill(chunk.signs, place * words, (place + 1) * words, 0);
        chunk.factors[place] = 0;
    }

    /** Of one probe, for any thread. */
    Probe probe(float[] unit) {
        float[] turned = rotation.of(unit);
        float most = 0;
        for (float value : turned) {
            most = Math.max(most, Math.abs(value));
        }
        float step = most / MIDDLE;
        long[] bits = new long[words * PROBE_BITS]; // [words, 4], weight 1 first
        int sum = 0;
        long[] signs = new long[words];
        for (int i = 0; i < turned.length; i++) {
            int rounded = (int) (turned[i] / step + MIDDLE + dither[i]);
            sum += 2 * rounded - LAST_STEP;
            signs[i / Long.SIZE] |= turned[i] >= 0 ? 1L << i : 0;
            for (int weight = 0; weight < PROBE_BITS; weight++) {
                bits[i / Long.SIZE * PROBE_BITS + weight] |= (long) (rounded >> weight & 1) << i;
            }
        }
        return new Probe(bits, step, sum, signs);
    }

    /** A probe made ready. */
    final class Probe {
        private final long[] bits; // [words, 4], weight 1 first
        private final float halfStep;
        private final int sum; // of the rounded values, in half steps, which are whole
        private final long[] signs;

        private Probe(long[] bits, float step, int sum, long[] signs) {
            this.bits = bits;
            this.halfStep = step / 2;
            this.sum = sum;
            this.signs = signs;
        }

        /** The estimated cosine to a vector; may leave [-1, 1] by a little. */
        float cosine(int number) {
            Chunk chunk = chunks[number >> CHUNK_BITS];
            int place = number & (CHUNK - 1);
            int from = place * words;
            int set = 0;
            int weights = 0;
            for (int word = 0; word < words; word++) {
                long code = chunk.signs[from + word];
                int at = word * PROBE_BITS;
                set += Long.bitCount(code);
                weights += Long.bitCount(code & bits[at])
                        + 2 * Long.bitCount(code & bits[at + 1])
                        + 4 * Long.bitCount(code & bits[at + 2])
                        + 8 * Long.bitCount(code & bits[at + 3]);
            }
            return (4 * weights - 2 * LAST_STEP * set - sum) * halfStep * chunk.factors[place];
        }

        /**
         * How many signs of each vector are not those of the probe: the angle over pi, times the bits, in the mean over
         * all turns, with the variance of so many coins. Ruder than {@link #cosine}, and eight times as fast.
         *
         * @param from first number
         * @param to exclusive, of the same {@link #CHUNK}
         * @param differing its first values are written, that of {@code from} first
         */
        void differing(int from, int to, int[] differing) {
            long[] codes = chunks[from >> CHUNK_BITS].signs;
            int start = (from & (CHUNK - 1)) * words;
            Arrays.fill(differing, 0, to - from, 0);
            for (int block = 0; block < words; block += BLOCK) {
                long[] ours = Arrays.copyOfRange(signs, block, block + BLOCK);
                for (int i = 0; i < to - from; i++) {
                    int first = start + i * words + block;
                    int count = 0;
                    for (int word = 0; word < BLOCK; word++) { // of a length that the compiler knows
                        count += Long.bitCount(codes[first + word] ^ ours[word]);
                    }
                    differing[i] += count;
                }
            }
        }
    }

    /** The most signs that can differ. */
    int bits() {
        return words * Long.SIZE;
    }
}
