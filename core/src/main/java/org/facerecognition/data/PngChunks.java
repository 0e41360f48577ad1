package org.facerecognition.data;

import java.io.ByteArrayOutputStream;

/**
 * The chunks of a PNG file. The decoder of an animated one keeps several images of its size; without the chunks of the
 * animation the file is a plain PNG of the first image.
 */
final class PngChunks {
    private static final int FIRST_CHUNK = 8;
    private static final int AROUND_THE_DATA = 12; // length, type and checksum

    private PngChunks() {}

    /** The file without its animation; the file itself where it has none. */
    static byte[] still(byte[] file) {
        HeaderBytes bytes = new HeaderBytes(file);
        return isAnimated(bytes) ? without(bytes) : file;
    }

    /** The chunk that says so comes before the pixels. */
    private static boolean isAnimated(HeaderBytes bytes) {
        for (long at = FIRST_CHUNK; at < bytes.length(); at = end(bytes, at)) {
            if (bytes.ascii((int) at + 4, "acTL")) {
                return true;
            } else if (bytes.ascii((int) at + 4, "IDAT")) {
                return false;
            }
        }
        return false;
    }

    private static byte[] without(HeaderBytes bytes) {
        ByteArrayOutputStream still = new ByteArrayOutputStream();
        still.write(bytes.bytes(), 0, FIRST_CHUNK);
        for (long at = FIRST_CHUNK; at < bytes.length(); at = end(bytes, at)) {
            switch (bytes.text((int) at + 4, 4)) {
                case "acTL", "fcTL", "fdAT" -> {}
                default -> still.write(bytes.bytes(), (int) at, (int) (end(bytes, at) - at));
            }
        }
        return still.toByteArray();
    }

    private static long end(HeaderBytes bytes, long at) {
        return Math.min(bytes.length(), at + AROUND_THE_DATA + Math.max(0, bytes.big(at, 4)));
    }
}
