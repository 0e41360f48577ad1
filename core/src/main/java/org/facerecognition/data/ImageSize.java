package org.facerecognition.data;

import java.util.Optional;

/**
 * The size of an image.
 *
 * @param width in pixels
 * @param height in pixels
 */
record ImageSize(long width, long height) {
    /**
     * Returns the size in the header of an encoded image; empty when the format is unknown or the header is damaged.
     */
    static Optional<ImageSize> of(byte[] bytes) {
        return ImageHeader.of(bytes).map(ImageHeader::size);
    }

    /** Returns the number of pixels, at most {@link Long#MAX_VALUE}. */
    long pixels() {
        return product(width, height);
    }

    /** Returns the product of two nonnegative numbers, at most {@link Long#MAX_VALUE}. */
    static long product(long a, long b) {
        return a == 0 || b <= Long.MAX_VALUE / a ? a * b : Long.MAX_VALUE;
    }

    @Override
    public String toString() {
        return width + "x" + height;
    }
}
