package org.facerecognition.examples.web;

import io.javalin.http.Context;
import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;

/**
 * Images as they come in: the bytes of one, or of two one after the other, are the whole body. There are no forms to be
 * parsed, no file names and no temporary files: an image is in memory and nowhere else.
 */
final class Upload {
    /** Largest image, in bytes. */
    static final int MAX_BYTES = 10 << 20;

    private static final long MAX_DRAINED = 100L << 20;
    private static final int CHUNK = 1 << 16;
    private static final long LONGEST_NS = 60_000_000_000L;
    private static final long LONGEST_DRAINED_NS = 20_000_000_000L;

    private Upload() {}

    /**
     * How long the body is.
     *
     * @throws Refusal when it is too long, empty or does not say
     */
    static int length(Context request, int mostPictures) throws IOException {
        long length = request.req().getContentLengthLong();
        if (length < 0) {
            throw new ApiException(411, "an image must come with its length, but Content-Length is missing");
        }
        if (length == 0) {
            throw new ApiException(400, "an image must be sent, but nothing was");
        }
        if (length > (long) mostPictures * MAX_BYTES) {
            drain(request.req().getInputStream());
            throw tooLarge(length);
        }
        return (int) length;
    }

    static ApiException tooLarge(long bytes) {
        long mib = (bytes + (1 << 20) - 1) >> 20;
        return new ApiException(413, "an image must have at most 10 MB, but has " + mib + " MB; make it smaller");
    }

    /**
     * Takes what is sent and lets it go: a browser that is still sending does not listen to the answer, and one whose
     * connection is closed meanwhile never hears it.
     */
    static void drain(InputStream body) throws IOException {
        byte[] chunk = new byte[CHUNK];
        long deadline = System.nanoTime() + LONGEST_DRAINED_NS;
        long seen = 0;
        int count;
        while (seen < MAX_DRAINED && System.nanoTime() < deadline && (count = body.read(chunk)) >= 0) {
            seen += count;
        }
    }

    /** @throws Refusal when less comes than was announced, or too slowly: others wait for the place that it takes */
    static byte[] read(Context request, int length) throws IOException {
        long deadline = System.nanoTime() + LONGEST_NS;
        byte[] body = new byte[length];
        InputStream in = request.req().getInputStream();
        int filled = 0;
        while (filled < length) {
            int count = in.read(body, filled, length - filled);
            if (count < 0) {
                throw new ApiException(400, "the image must be sent whole, but ended early");
            }
            filled += count;
            if (System.nanoTime() > deadline) {
                throw new ApiException(408, "the image must be here within a minute, but was not");
            }
        }
        return checked(body);
    }

    /**
     * Two images.
     *
     * @param first length of the first
     */
    static byte[][] split(byte[] both, int first) {
        if (first < 1 || first >= both.length) {
            throw new ApiException(400, "two images must be sent, but there was one");
        }
        byte[] a = Arrays.copyOfRange(both, 0, first);
        byte[] b = Arrays.copyOfRange(both, first, both.length);
        for (byte[] picture : new byte[][] {a, b}) {
            if (picture.length > MAX_BYTES) {
                throw tooLarge(picture.length);
            }
        }
        checked(b);
        return new byte[][] {a, b};
    }

    /**
     * Only what browsers show, by its first bytes; whatever it is called. Decoders of rarer formats stay out of reach, and
     * these are the ones whose size in pixels is known before anything is allocated.
     */
    private static byte[] checked(byte[] picture) {
        boolean known = starts(picture, 0, 0xff, 0xd8, 0xff)
                || starts(picture, 0, 0x89, 'P', 'N', 'G', 0x0d, 0x0a, 0x1a, 0x0a)
                || (starts(picture, 0, 'R', 'I', 'F', 'F') && starts(picture, 8, 'W', 'E', 'B', 'P'))
                || starts(picture, 0, 'B', 'M');
        if (!known) {
            throw new ApiException(
                    415, "the file must be a JPEG, PNG, WebP or BMP image, but its content is none, whatever its name");
        }
        return picture;
    }

    private static boolean starts(byte[] bytes, int at, int... magic) {
        if (bytes.length < at + magic.length) {
            return false;
        }
        for (int i = 0; i < magic.length; i++) {
            if ((bytes[at + i] & 0xff) != magic[i]) {
                return false;
            }
        }
        return true;
    }
}
