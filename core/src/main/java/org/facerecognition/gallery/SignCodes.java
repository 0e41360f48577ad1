package org.facerecognition.gallery;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Random;

/**
 * RaBitQ codes of vectors, one bit per value, and the cosines estimated from them: an estimate reads 64 bytes instead
 * of the 2,048 of a vector of 512 values. Gao and Long, "RaBitQ: Quantizing High-Dimensional Vectors with a Theoretical
 * Error Bound for Approximate Nearest Neighbor Search", SIGMOD 2024, arXiv 2405.12497, sections 3.1 and 3.3.
 */
/*
 * A unit-norm vector x is rotated randomly and stored as the signs s of its values and f = 1 / <x, s>. For a probe q
 * that is rotated likewise, the mean of <q, s> f over all rotations is the cosine of q and x, with a standard deviation
 * of 0.75 sqrt(1 - cosine^2) / sqrt(bits), which is at most 0.033 for 512 bits. Shorter embeddings are padded with
 * zeros, so that their error is no larger.
 *
 * The probe's values are quantized to 16 levels, u = 0..15, which stand for -7.5..7.5 steps. Rounding is stochastic, up
 * or down such that the mean is exact; it adds an error of about 0.01. Then <q, s> is computed by counting the bits
 * that are set both in a code and in the probe's bit planes of weight 1, 2, 4 and 8. (Rounding to the nearest level
 * would have a smaller error, but one of the same sign as the value: cosines near 1 would come out too large.)
 *
 * As in Vectors, one thread reserves memory, and the code of a vector is written before its number is published.
 */
final class SignCodes {
    private static final int BLOCK = 8; // words: 512 bits, the minimum length of a code
    private static final int CHUNK_BITS = 14;

    /** Number of codes that are contiguous in memory: 16,384, one megabyte for codes of 512 bits. */
    static final int CHUNK = 1 << CHUNK_BITS;

    private static final long SEED = 0x444954484552L;
    private static final int PROBE_BITS = 4;
    private static final int LAST_STEP = (1 << PROBE_BITS) - 1;
    private static final float MIDDLE = LAST_STEP / 2f;

    private final RandomRotation rotation;
    private final float[] dither; // in [0, 1)
    private final int words; // per code
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

    /** Reserves memory for a total number of vectors. */
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

    /** Writes the code of a vector, for which memory must be reserved. */
    void put(int number, float[] unit) {
        Chunk chunk = chunks[number >> CHUNK_BITS];
        int index = number & (CHUNK - 1);
        float[] rotated = rotation.apply(unit);
        Arrays.fill(chunk.signs, index * words, (index + 1) * words, 0);
        float sum = 0;
        for (int i = 0; i < rotated.length; i++) {
            sum += Math.abs(rotated[i]);
            if (rotated[i] >= 0) {
                chunk.signs[index * words + i / Long.SIZE] |= 1L << i; // a shift uses only the last six bits of i
            }
        }
        chunk.factors[index] = 1 / sum; // at least 1 / sqrt(bits), because the vector is unit-norm
    }

    /** Overwrites the code of a vector with zeros. Its estimated cosine to any probe is 0 afterwards. */
    void erase(int number) {
        Chunk chunk = chunks[number >> CHUNK_BITS];
        int index = number & (CHUNK - 1);
        Arrays.fill(chunk.signs, index * words, (index + 1) * words, 0);
        chunk.factors[index] = 0;
    }

    /** Returns the number of bytes that {@link #write} writes. */
    int bytes() {
        return words * Long.BYTES + Float.BYTES;
    }

    /** Writes the code of a vector to a file's bytes. */
    void write(int number, ByteBuffer out) {
        Chunk chunk = chunks[number >> CHUNK_BITS];
        int index = number & (CHUNK - 1);
        for (int word = 0; word < words; word++) {
            out.putLong(chunk.signs[index * words + word]);
        }
        out.putFloat(chunk.factors[index]);
    }

    /** Reads the code of a vector, for which memory must be reserved. */
    void read(int number, ByteBuffer in) {
        Chunk chunk = chunks[number >> CHUNK_BITS];
        int index = number & (CHUNK - 1);
        for (int word = 0; word < words; word++) {
            chunk.signs[index * words + word] = in.getLong();
        }
        chunk.factors[index] = in.getFloat();
    }

    /** Prepares a unit-norm probe. The result may be used by any thread. */
    Probe probe(float[] unit) {
        float[] rotated = rotation.apply(unit);
        float max = 0;
        for (float value : rotated) {
            max = Math.max(max, Math.abs(value));
        }
        float step = max / MIDDLE;
        long[] bits = new long[words * PROBE_BITS]; // [words, 4], weight 1 first
        int sum = 0;
        long[] signs = new long[words];
        for (int i = 0; i < rotated.length; i++) {
            int rounded = (int) (rotated[i] / step + MIDDLE + dither[i]);
            sum += 2 * rounded - LAST_STEP;
            signs[i / Long.SIZE] |= rotated[i] >= 0 ? 1L << i : 0;
            for (int weight = 0; weight < PROBE_BITS; weight++) {
                bits[i / Long.SIZE * PROBE_BITS + weight] |= (long) (rounded >> weight & 1) << i;
            }
        }
        return new Probe(bits, step, sum, signs);
    }

    /** A rotated and quantized probe. */
    final class Probe {
        private final long[] bits; // [words, 4], weight 1 first
        private final float halfStep;
        private final int sum; // of the quantized values in half steps, which is an integer
        private final long[] signs;

        private Probe(long[] bits, float step, int sum, long[] signs) {
            this.bits = bits;
            this.halfStep = step / 2;
            this.sum = sum;
            this.signs = signs;
        }

        /** Estimates the cosine to a vector. The estimate may be slightly outside of [-1, 1]. */
        float cosine(int number) {
            Chunk chunk = chunks[number >> CHUNK_BITS];
            int index = number & (CHUNK - 1);
            int from = index * words;
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
            return (4 * weights - 2 * LAST_STEP * set - sum) * halfStep * chunk.factors[index];
        }

        /**
         * Computes the Hamming distances of the probe's signs to the codes of a range of vectors. Their mean over all
         * rotations is bits * angle / pi, with the variance of as many coin tosses as there are bits. This is less
         * precise than {@link #cosine}, and eight times as fast.
         *
         * @param from number of the first vector
         * @param to exclusive, in the same {@link #CHUNK}
         * @param hammingDistances receives the distances, that of {@code from} first
         */
        void hammingDistances(int from, int to, int[] hammingDistances) {
            long[] codes = chunks[from >> CHUNK_BITS].signs;
            int start = (from & (CHUNK - 1)) * words;
            Arrays.fill(hammingDistances, 0, to - from, 0);
            for (int block = 0; block < words; block += BLOCK) {
                long[] probeSigns = Arrays.copyOfRange(signs, block, block + BLOCK);
                for (int i = 0; i < to - from; i++) {
                    int first = start + i * words + block;
                    int count = 0;
                    for (int word = 0; word < BLOCK; word++) { // a constant trip count, which the compiler can unroll
                        count += Long.bitCount(codes[first + word] ^ probeSigns[word]);
                    }
                    hammingDistances[i] += count;
                }
            }
        }
    }

    /** Returns the length of a code, which is the largest possible Hamming distance. */
    int bits() {
        return words * Long.SIZE;
    }
}
