package org.facerecognition.data;

import java.util.Arrays;
import java.util.Optional;

/**
 * Extracts the first frame of a GIF file. The decoder walks through all frames before it decodes the first, and a
 * damaged frame keeps it busy for a long time; so the blocks are examined here, and the decoder gets the first frame
 * alone.
 */
final class GifFrames {
    private static final int EXTENSION = 0x21;
    private static final int IMAGE = 0x2c;
    private static final int TRAILER = 0x3b;
    private static final int SCREEN_END = 13; // end of the signature and the logical screen descriptor

    private final HeaderBytes bytes;
    private int at;

    private GifFrames(byte[] file) {
        this.bytes = new HeaderBytes(file);
    }

    /** Returns the file with its first frame only; empty when the blocks do not lead to the end of that frame. */
    static Optional<byte[]> first(byte[] file) {
        return new GifFrames(file).first();
    }

    private Optional<byte[]> first() {
        at = SCREEN_END + colors(bytes.at(10));
        int block = bytes.at(at++);
        while (block == EXTENSION) {
            at++; // the kind of extension
            skipSubBlocks();
            block = bytes.at(at++);
        }
        if (block != IMAGE || !isWithinTheScreen()) {
            return Optional.empty();
        }
        at += 9 + colors(bytes.at(at + 8L)) + 1; // the last byte is the code size
        skipSubBlocks();
        if (at > bytes.length()) { // else the frame has ended, and only the trailer may be missing
            return Optional.empty();
        }
        byte[] first = Arrays.copyOf(bytes.bytes(), at + 1);
        first[at] = TRAILER;
        return Optional.of(first);
    }

    /** Returns the number of bytes of the color table that the flags announce. */
    private static int colors(int flags) {
        return (flags & 0x80) == 0 || flags < 0 ? 0 : 3 << (flags & 7) + 1;
    }

    private boolean isWithinTheScreen() {
        long width = bytes.little(at + 4L, 2);
        long height = bytes.little(at + 6L, 2);
        return width > 0
                && height > 0
                && bytes.little(at, 2) + width <= bytes.little(6, 2)
                && bytes.little(at + 2L, 2) + height <= bytes.little(8, 2);
    }

    private void skipSubBlocks() {
        int length = bytes.at(at++);
        while (length > 0) {
            at += length;
            length = bytes.at(at++);
        }
    }
}
