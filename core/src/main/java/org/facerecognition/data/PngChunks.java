package org.facerecognition.data;

import java.io.ByteArrayOutputStream;
import java.util.Optional;

/**
 * Checks the chunks of a PNG file and removes its animation. The decoder allocates as many bytes as the length of a
 * chunk claims, up to 4 GiB for a file of 100 bytes; so the chunks must lead from the header to the end. For an
 * animated file the decoder keeps several images of its size; without the chunks of the animation the file is a plain
 * PNG of the first image.
 */
final class PngChunks {
    private static final int FIRST_CHUNK = 8;
    private static final int CHUNK_OVERHEAD = 12; // length, type and checksum

    private final HeaderBytes bytes;
    private boolean animated;
    private boolean hasPixels;

    private PngChunks(byte[] file) {
        this.bytes = new HeaderBytes(file);
    }

    /** Returns the file without its animation, or the file itself if it has none; empty when its chunks are invalid. */
    static Optional<byte[]> still(byte[] file) {
        PngChunks chunks = new PngChunks(file);
        if (!chunks.leadToTheEnd() || !chunks.hasPixels) {
            return Optional.empty();
        }
        return Optional.of(chunks.animated ? chunks.withoutAnimation() : file);
    }

    private boolean leadToTheEnd() {
        for (long at = FIRST_CHUNK; at + CHUNK_OVERHEAD <= bytes.length(); at = end(at)) {
            String type = type(at);
            animated |= type.equals("acTL");
            hasPixels |= type.equals("IDAT");
            if (type.equals("IEND")) {
                return bytes.big(at, 4) == 0;
            }
        }
        return false;
    }

    private byte[] withoutAnimation() {
        ByteArrayOutputStream still = new ByteArrayOutputStream();
        still.write(bytes.bytes(), 0, FIRST_CHUNK);
        for (long at = FIRST_CHUNK; at + CHUNK_OVERHEAD <= bytes.length(); at = end(at)) {
            switch (type(at)) {
                case "acTL", "fcTL", "fdAT" -> {}
                case "IEND" -> {
                    still.write(bytes.bytes(), (int) at, CHUNK_OVERHEAD);
                    return still.toByteArray();
                }
                default -> still.write(bytes.bytes(), (int) at, (int) (end(at) - at));
            }
        }
        throw new IllegalStateException("chunks must lead to the end, as was checked");
    }

    private String type(long at) {
        return bytes.text((int) at + 4, 4);
    }

    private long end(long at) {
        return at + CHUNK_OVERHEAD + bytes.big(at, 4);
    }
}
