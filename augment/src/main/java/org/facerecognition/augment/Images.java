package org.facerecognition.augment;

import static org.bytedeco.opencv.global.opencv_core.CV_8UC1;
import static org.bytedeco.opencv.global.opencv_core.CV_8UC3;

import org.bytedeco.opencv.global.opencv_core;
import org.bytedeco.opencv.opencv_core.Mat;

/**
 * What the pixel functions share: the check of the image, and the two ways to its pixels. Whatever maps each byte by
 * itself is a table and runs in OpenCV; the rest copies the image into a Java array, loops, and copies back (twice 37 kB
 * for a 112x112 face, a few microseconds), because a JNI call per pixel would cost a hundred times the arithmetic.
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
