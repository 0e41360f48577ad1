package org.facerecognition.examples.web;

import io.javalin.http.Context;
import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;

/**
 * Reads uploaded images. The body of a request consists of the bytes of one image, or of two images one after the
 * other. There are no forms to parse, no file names and no temporary files: an uploaded image exists in memory only.
 */
final class Upload {
    /** The largest allowed image, in bytes. */
    static final int MAX_BYTES = 10 << 20;

    private static final int CHUNK_BYTES = 1 << 16;
    private static final long MAX_DRAINED_BYTES = 100L << 20;
    private static final long READ_TIMEOUT_NS = 60_000_000_000L;
    private static final long DRAIN_TIMEOUT_NS = 20_000_000_000L;

    private Upload() {}

    /**
     * Returns the length of the body in bytes, as declared by the Content-Length header.
     *
     * @param maxImages the number of images that the body may contain
     * @throws ApiException when the header is missing, or the body is empty or too long
     */
    static int length(Context request, int maxImages) {
        long length = request.req().getContentLengthLong();
        if (length < 0) {
            throw new ApiException(411, "the request must declare its length, but Content-Length is missing");
        }
        if (length == 0) {
            throw new ApiException(400, "the request must contain an image, but its body is empty");
        }
        if (length > (long) maxImages * MAX_BYTES) {
            throw tooLarge(length);
        }
        return (int) length;
    }

    static ApiException tooLarge(long bytes) {
        long mib = (bytes + (1 << 20) - 1) >> 20;
        return new ApiException(413, "an image must be at most 10 MB, but was " + mib + " MB; reduce its size");
    }

    /**
     * Reads the rest of a body and discards it, up to 100 MiB or 20 seconds. A browser that is still sending does not
     * read the response, and a browser whose connection is closed meanwhile never receives it.
     */
    static void drain(InputStream body) throws IOException {
        byte[] chunk = new byte[CHUNK_BYTES];
        long deadline = System.nanoTime() + DRAIN_TIMEOUT_NS;
        long total = 0;
        int count;
        while (total < MAX_DRAINED_BYTES && System.nanoTime() < deadline && (count = body.read(chunk)) >= 0) {
            total += count;
        }
    }

    /**
     * Reads a body with one or two images and checks the format of the first.
     *
     * @throws ApiException when the body ends early, takes longer than a minute (it would block the capacity that other
     *     requests wait for), or does not begin with an image of a supported format
     */
    static byte[] read(Context request, int length) throws IOException {
        long deadline = System.nanoTime() + READ_TIMEOUT_NS;
        byte[] body = new byte[length];
        InputStream in = request.req().getInputStream();
        int filled = 0;
        while (filled < length) {
            int count = read(in, body, filled);
            if (count < 0) {
                throw new ApiException(400, "the image must be complete, but the request ended early");
            }
            filled += count;
            if (System.nanoTime() > deadline) {
                throw new ApiException(408, "the image must arrive within one minute, but did not");
            }
        }
        return checkFormat(body);
    }

    /** Reads what has arrived. A connection that is closed or stalls is no fault of the server. */
    private static int read(InputStream in, byte[] body, int filled) {
        try {
            return in.read(body, filled, body.length - filled);
        } catch (IOException e) {
            throw new ApiException(408, "the image must arrive without a pause of half a minute, but did not");
        }
    }

    /**
     * Splits a body into its two images and checks the size of both and the format of the second.
     *
     * @param first the length of the first image, in bytes
     * @throws ApiException when there is no second image, an image is too large, or the second has another format than
     *     the supported ones
     */
    static byte[][] split(byte[] both, int first) {
        if (first < 1 || first >= both.length) {
            throw new ApiException(400, "the request must contain two images, but contains one");
        }
        byte[] a = Arrays.copyOfRange(both, 0, first);
        byte[] b = Arrays.copyOfRange(both, first, both.length);
        for (byte[] image : new byte[][] {a, b}) {
            if (image.length > MAX_BYTES) {
                throw tooLarge(image.length);
            }
        }
        checkFormat(b);
        return new byte[][] {a, b};
    }

    /**
     * Rejects every format other than JPEG, PNG, WebP and BMP, judging by the first bytes and not by a file name.
     * Browsers show these four, their size in pixels is known before memory is allocated for them, and the decoders of
     * rarer formats stay out of an attacker's reach.
     */
    private static byte[] checkFormat(byte[] image) {
        boolean known = hasBytesAt(image, 0, 0xff, 0xd8, 0xff)
                || hasBytesAt(image, 0, 0x89, 'P', 'N', 'G', 0x0d, 0x0a, 0x1a, 0x0a)
                || (hasBytesAt(image, 0, 'R', 'I', 'F', 'F') && hasBytesAt(image, 8, 'W', 'E', 'B', 'P'))
                || hasBytesAt(image, 0, 'B', 'M');
        if (!known) {
            throw new ApiException(
                    415,
                    "the file must be a JPEG, PNG, WebP or BMP image, but its content is none of these, whatever its"
                            + " name");
        }
        return image;
    }

    private static boolean hasBytesAt(byte[] bytes, int offset, int... magic) {
        if (bytes.length < offset + magic.length) {
            return false;
        }
        for (int i = 0; i < magic.length; i++) {
            if ((bytes[offset + i] & 0xff) != magic[i]) {
                return false;
            }
        }
        return true;
    }
}
