package org.facerecognition.data;

import java.util.Optional;

/**
 * The size of an image.
 *
 * @param width in pixels
 * @param height in pixels
 */
record ImageSize(long width, long height) {
    /** What an encoded image's header says; empty where its format is not known or the header is damaged. */
    static Optional<ImageSize> of(byte[] bytes) {
        return ImageHeader.of(bytes).map(ImageHeader::size);
    }

    /** How many pixels; the largest number where there are more. */
    long pixels() {
        return product(width, height);
    }

    /** Of two numbers that are not negative; the largest number where it is larger. */
    static long product(long a, long b) {
        return a == 0 || b <= Long.MAX_VALUE / a ? a * b : Long.MAX_VALUE;
    }

    @Override
    public String toString() {
        return width + "x" + height;
    }
}
