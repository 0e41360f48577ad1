package org.facerecognition.gallery;

import java.util.Arrays;

/**
 * One bit for each value of each row, and cosines estimated from them: 64 bytes are read where the row itself has 2,048.
 * RaBitQ: Gao and Long, "RaBitQ: Quantizing High-Dimensional Vectors with a Theoretical Error Bound for Approximate Nearest
 * Neighbor Search", SIGMOD 2024, arXiv 2405.12497, section 3.1, with a probe that is not quantised.
 */
/*
 * A row x of length 1 is turned at random and kept as the signs s of its values and f = 1 / <x, s>. For a probe q, turned alike,
 * <q, s> f is the cosine of q and x in the mean over all turns, with a standard deviation of .75 sqrt(1 - cosine^2) / sqrt(bits):
 * .033 at most with 512. Shorter embeddings are filled up with zeros, so that theirs is no larger.
 *
 * <q, s> is looked up eight signs at a time in a table made for the probe. As with Vectors, one thread makes room, and what a row
 * has is written before its number is published.
 */
final class SignCodes {
    private static final int FEWEST_BITS = 512;
    private static final int CHUNK_BITS = 14; // rows in a chunk: 16,384, a megabyte
    private static final int CHUNK = 1 << CHUNK_BITS;
    private static final int BYTE_VALUES = 256;

    private final RandomRotation rotation;
    private final int bytes; // of a row
    private volatile Chunk[] chunks = {};

    private record Chunk(byte[] signs, float[] factors) {}

    SignCodes(int dimension) {
        int bits = Math.max(FEWEST_BITS, Integer.highestOneBit(2 * dimension - 1));
        this.rotation = new RandomRotation(bits);
        this.bytes = bits / Byte.SIZE;
    }

    /** Makes room for so many rows in all. */
    void reserve(int rows) {
        int needed = (rows + CHUNK - 1) >> CHUNK_BITS;
        int first = chunks.length;
        if (needed > first) {
            Chunk[] more = Arrays.copyOf(chunks, needed);
            for (int i = first; i < needed; i++) {
                more[i] = new Chunk(new byte[CHUNK * bytes], new float[CHUNK]);
            }
            chunks = more;
        }
    }

    /** Writes a row for which room was made. */
    void put(int row, float[] unit) {
        Chunk chunk = chunks[row >> CHUNK_BITS];
        int place = row & (CHUNK - 1);
        float[] turned = rotation.of(unit);
        float sum = 0;
        for (int i = 0; i < bytes; i++) {
            int code = 0;
            for (int bit = 0; bit < Byte.SIZE; bit++) {
                float value = turned[i * Byte.SIZE + bit];
                sum += Math.abs(value);
                code |= value >= 0 ? 1 << bit : 0;
            }
            chunk.signs[place * bytes + i] = (byte) code;
        }
        chunk.factors[place] = 1 / sum; // at least 1 / sqrt(bits): the row has length 1
    }

    /** Of one probe, for any thread. */
    Probe probe(float[] unit) {
        float[] turned = rotation.of(unit);
        float[] sums =
                new float[bytes * BYTE_VALUES]; // [bytes, 256]: the products with all combinations of eight signs
        for (int i = 0; i < bytes; i++) {
            int base = i * BYTE_VALUES;
            for (int bit = 0; bit < Byte.SIZE; bit++) {
                sums[base] -= turned[i * Byte.SIZE + bit];
            }
            for (int bit = 0; bit < Byte.SIZE; bit++) {
                float twice = 2 * turned[i * Byte.SIZE + bit];
                int known = 1 << bit;
                for (int code = 0; code < known; code++) {
                    sums[base + known + code] = sums[base + code] + twice;
                }
            }
        }
        return new Probe(sums);
    }

    /** A probe made ready. */
    final class Probe {
        private final float[] sums;

        private Probe(float[] sums) {
            this.sums = sums;
        }

        /** The estimated cosine of a row; may leave [-1, 1] by a little. */
        float cosine(int row) {
            Chunk chunk = chunks[row >> CHUNK_BITS];
            int place = row & (CHUNK - 1);
            byte[] signs = chunk.signs;
            float a = 0; // four sums: additions need not wait for each other
            float b = 0;
            float c = 0;
            float d = 0;
            int table = 0;
            int end = (place + 1) * bytes;
            for (int i = place * bytes; i < end; i += 4) {
                a += sums[table + (signs[i] & 0xFF)];
                b += sums[table + BYTE_VALUES + (signs[i + 1] & 0xFF)];
                c += sums[table + 2 * BYTE_VALUES + (signs[i + 2] & 0xFF)];
                d += sums[table + 3 * BYTE_VALUES + (signs[i + 3] & 0xFF)];
                table += 4 * BYTE_VALUES;
            }
            return (a + b + c + d) * chunk.factors[place];
        }
    }
}
