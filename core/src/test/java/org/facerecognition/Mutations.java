package org.facerecognition;

import java.util.Arrays;
import java.util.Random;

/** Damages files as failing disks, broken transfers and attackers do; equal random numbers give equal damage. */
public final class Mutations {
    private static final int HEADER_BYTES = 700; // the start of a file, where most of its structure is

    private Mutations() {}

    /**
     * Returns a copy with one to four mutations: a byte overwritten or a bit flipped, an extreme number, a range
     * removed or duplicated, or the end cut off.
     */
    public static byte[] of(byte[] bytes, Random random) {
        byte[] result = bytes;
        for (int times = 1 + random.nextInt(4); times > 0 && result.length > 0; times--) {
            int at = random.nextInt(random.nextBoolean() ? Math.min(result.length, HEADER_BYTES) : result.length);
            switch (random.nextInt(8)) {
                case 0 -> result = spliced(result, at, at + random.nextInt(20), 0);
                case 1 -> result = spliced(result, at, at, random.nextInt(20));
                case 2 -> result = spliced(result, at, result.length, 0);
                case 3 -> result = extreme(result, at, random);
                default -> {
                    result = result.clone();
                    result[at] = random.nextBoolean()
                            ? (byte) random.nextInt(256)
                            : (byte) (result[at] ^ 1 << random.nextInt(8));
                }
            }
        }
        return result;
    }

    /** Overwrites one to eight bytes with values that occur in very large or very small numbers. */
    private static byte[] extreme(byte[] bytes, int at, Random random) {
        byte[] result = bytes.clone();
        int end = Math.min(result.length, at + (1 << random.nextInt(4)));
        byte[] fillers = {0, 1, 0x7f, (byte) 0x80, (byte) 0xff, '9'};
        Arrays.fill(result, at, end, fillers[random.nextInt(fillers.length)]);
        return result;
    }

    private static byte[] spliced(byte[] bytes, int from, int to, int repeated) {
        int end = Math.min(to, bytes.length);
        int extra = Math.min(repeated, bytes.length - from);
        byte[] result = new byte[bytes.length - (end - from) + extra];
        System.arraycopy(bytes, 0, result, 0, from);
        System.arraycopy(bytes, from, result, from, extra);
        System.arraycopy(bytes, end, result, from + extra, bytes.length - end);
        return result;
    }
}
