package org.facerecognition.data;

import java.io.ByteArrayOutputStream;
import java.util.Optional;

/**
 * The chunks of a PNG file. Its decoder allocates what the length of a chunk claims, 4 GiB of a file of 100 bytes; so
 * the chunks must lead from the header to the end. Of an animated file the decoder keeps several images of its size;
 * without the chunks of the animation the file is a plain PNG of the first image.
 */
final class PngChunks {
    private static final int FIRST_CHUNK = 8;
    private static final int AROUND_THE_DATA = 12; // length, type and checksum

    private final HeaderBytes bytes;
    private boolean animated;
    private boolean hasPixels;

    private PngChunks(byte[] file) {
        this.bytes = new HeaderBytes(file);
    }

    /** The file without its animation; the file itself where it has none; empty where its chunks lead nowhere. */
    static Optional<byte[]> still(byte[] file) {
        PngChunks chunks = new PngChunks(file);
        if (!chunks.leadToTheEnd() || !chunks.hasPixels) {
            return Optional.empty();
        }
        return Optional.of(chunks.animated ? chunks.withoutAnimation() : file);
    }

    private boolean leadToTheEnd() {
        for (long at = FIRST_CHUNK; at + AROUND_THE_DATA <= bytes.length(); at = end(at)) {
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
        for (long at = FIRST_CHUNK; at + AROUND_THE_DATA <= bytes.length(); at = end(at)) {
            switch (type(at)) {
                case "acTL", "fcTL", "fdAT" -> {}
                case "IEND" -> {
                    still.write(bytes.bytes(), (int) at, AROUND_THE_DATA);
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
        return at + AROUND_THE_DATA + bytes.big(at, 4);
    }
}
