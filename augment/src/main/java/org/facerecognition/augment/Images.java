package org.facerecognition.augment;

import static org.bytedeco.opencv.global.opencv_core.CV_8UC1;
import static org.bytedeco.opencv.global.opencv_core.CV_8UC3;

import java.lang.ref.Reference;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.opencv.global.opencv_core;
import org.bytedeco.opencv.opencv_core.Mat;

/**
 * The common part of the pixel functions: checking an image and accessing its pixels. Images passed in are borrowed,
 * images returned are owned.
 *
 * <p>Functions that map each byte by itself are tables and run in OpenCV. The others copy the pixels into a Java array
 * in portions, loop over it, and copy them back (twice 37 kB for a 112x112 face, a few microseconds), because a JNI
 * call per pixel would cost a hundred times as much as the arithmetic.
 */
final class Images {

    private static final String[] DEPTHS = {"8U", "8S", "16U", "16S", "32S", "32F", "64F", "16F"};
    private static final int PORTION_BYTES = 3 << 14;

    private Images() {}

    /**
     * Checks that an image is RGB.
     *
     * @throws IllegalArgumentException unless the image is open, not empty and {@code CV_8UC3}
     */
    static void requireRgb(Mat image) {
        if (image.isNull() || image.empty() || image.type() != CV_8UC3) {
            throw new IllegalArgumentException("image must be RGB uint8 (CV_8UC3), but was " + describe(image));
        }
    }

    private static String describe(Mat image) {
        if (image.isNull()) {
            return "closed";
        }
        if (image.empty()) {
            return "empty";
        }
        return "CV_" + DEPTHS[image.depth()] + "C" + image.channels() + " of " + image.cols() + "x" + image.rows();
    }

    /** Reads or changes pixels: the R, G and B of each pixel, in the first {@code length} bytes of the array. */
    @FunctionalInterface
    interface Pixels {
        void take(byte[] rgb, int length);
    }

    /** Returns a copy of the image whose pixels a function has changed. */
    static Mat changed(Mat image, Pixels change) {
        requireRgb(image);
        Mat result = image.clone();
        long bytes = 3 * result.total();
        byte[] rgb = new byte[(int) Math.min(bytes, PORTION_BYTES)];
        try (BytePointer data = new BytePointer(result.data())) {
            for (long at = 0; at < bytes; at += rgb.length) {
                int length = (int) Math.min(rgb.length, bytes - at);
                data.position(at).get(rgb, 0, length);
                change.take(rgb, length);
                data.put(rgb, 0, length);
            }
        }
        return result;
    }

    /** Passes all pixels to a function, row by row. */
    static void forEach(Mat image, Pixels reader) {
        requireRgb(image);
        byte[] row = new byte[3 * image.cols()];
        for (int y = 0; y < image.rows(); y++) {
            image.ptr(y).get(row, 0, row.length);
            reader.take(row, row.length);
        }
    }

    /** Returns the number of pixels with each value, per channel: [3][256]. */
    static int[][] histograms(Mat image) {
        int[][] histograms = new int[3][256];
        forEach(image, (rgb, length) -> {
            for (int i = 0; i < length; i += 3) {
                histograms[0][rgb[i] & 0xff]++;
                histograms[1][rgb[i + 1] & 0xff]++;
                histograms[2][rgb[i + 2] & 0xff]++;
            }
        });
        return histograms;
    }

    /** Returns the bytes of an image, row by row from the top, R, G and B of each pixel. */
    static byte[] toBytes(Mat image) {
        requireRgb(image);
        if (!image.isContinuous()) {
            try (Mat packed = image.clone()) {
                return toBytes(packed);
            }
        }
        byte[] rgb = new byte[Math.toIntExact(3 * image.total())];
        image.data().get(rgb);
        Reference.reachabilityFence(image);
        return rgb;
    }

    /** Returns an image of the bytes that {@link #toBytes} returns. */
    static Mat ofBytes(byte[] rgb, int rows, int cols) {
        Mat image = new Mat(rows, cols, CV_8UC3);
        image.data().put(rgb);
        return image;
    }

    /** Returns an image with every byte {@code v} replaced by {@code table[v]}, for a table of 256. */
    static Mat lookUp(Mat image, byte[] table) {
        return lookUp(image, table, CV_8UC1);
    }

    /** Returns an image with every byte {@code v} of channel {@code c} replaced by {@code table[3 * v + c]}. */
    static Mat lookUpPerChannel(Mat image, byte[] table) {
        return lookUp(image, table, CV_8UC3);
    }

    private static Mat lookUp(Mat image, byte[] table, int type) {
        requireRgb(image);
        try (Mat lut = new Mat(1, 256, type)) {
            lut.data().put(table);
            Mat result = new Mat();
            opencv_core.LUT(image, lut, result);
            return result;
        }
    }

    /** Converts to a byte like torchvision: clamped to 0..255 and truncated, not rounded. */
    static byte truncate(float value) {
        return (byte) (int) Math.max(0f, Math.min(255f, value));
    }
}
