package org.facerecognition.augment;

import static org.bytedeco.opencv.global.opencv_core.CV_8UC1;
import static org.bytedeco.opencv.global.opencv_core.CV_8UC3;

import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.opencv.global.opencv_core;
import org.bytedeco.opencv.opencv_core.Mat;

/**
 * What the pixel functions share: the check of the image, and the ways to its pixels. Whatever maps each byte by itself is
 * a table and runs in OpenCV; the rest copies the pixels into a Java array, some at a time, loops, and copies them back (twice
 * 37 kB for a 112x112 face, a few microseconds), because a JNI call per pixel would cost a hundred times the arithmetic.
 */
final class Images {

    private static final String[] DEPTHS = {"8U", "8S", "16U", "16S", "32S", "32F", "64F", "16F"};

    private Images() {}

    /** @throws IllegalArgumentException unless {@code image} is a non-empty {@code CV_8UC3} */
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

    private static final int BYTES_AT_A_TIME = 3 << 14;

    /** Looks at or changes pixels: R G B of each, from the start of the array on. */
    @FunctionalInterface
    interface Pixels {
        void take(byte[] rgb, int length);
    }

    /** A copy of the image, changed pixel by pixel in place. */
    static Mat changed(Mat image, Pixels change) {
        requireRgb(image);
        Mat result = image.clone();
        long bytes = 3 * result.total();
        byte[] rgb = new byte[(int) Math.min(bytes, BYTES_AT_A_TIME)];
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

    /** Shows all pixels, row by row. */
    static void forEach(Mat image, Pixels look) {
        requireRgb(image);
        byte[] row = new byte[3 * image.cols()];
        for (int y = 0; y < image.rows(); y++) {
            image.ptr(y).get(row, 0, row.length);
            look.take(row, row.length);
        }
    }

    /** How many pixels have each value, by channel: [3][256]. */
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

    /** The image's bytes, rows from the top, R G B per pixel. */
    static byte[] toBytes(Mat image) {
        requireRgb(image);
        if (!image.isContinuous()) {
            try (Mat packed = image.clone()) {
                return toBytes(packed);
            }
        }
        byte[] rgb = new byte[Math.toIntExact(3 * image.total())];
        image.data().get(rgb);
        return rgb;
    }

    /** A new image of the bytes that {@link #toBytes} gives. */
    static Mat ofBytes(byte[] rgb, int rows, int cols) {
        Mat image = new Mat(rows, cols, CV_8UC3);
        image.data().put(rgb);
        return image;
    }

    /** A new image in which every byte {@code v} has become {@code table[v]}, for a table of 256. */
    static Mat lookUp(Mat image, byte[] table) {
        return lookUp(image, table, CV_8UC1);
    }

    /** The same with a table per channel: {@code v} of channel {@code c} becomes {@code table[3 * v + c]}. */
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

    /** torchvision's cast to uint8 after a clamp: values are cut off, not rounded. */
    static byte truncate(float value) {
        return (byte) (int) Math.max(0f, Math.min(255f, value));
    }
}
