package org.facerecognition;

import static org.bytedeco.opencv.global.opencv_core.CV_8UC3;

import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.Random;
import org.bytedeco.opencv.opencv_core.Mat;
import org.bytedeco.opencv.opencv_core.Rect;
import org.bytedeco.opencv.opencv_core.Scalar;

/**
 * Photographs for the detector in {@code vision/squares.onnx}, which takes a red square of 8 pixels for a small face
 * and a blue one of 16 for a large one; on gray noise, which it takes for nothing.
 */
public final class SquareFaces {
    private SquareFaces() {}

    /** The detector's file. */
    public static Path detector() {
        try {
            return Path.of(SquareFaces.class.getResource("/vision/squares.onnx").toURI());
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Nobody on it. RGB. */
    public static Mat photo(int width, int height, long seed) {
        Random random = new Random(seed);
        byte[] bytes = new byte[3 * width * height];
        for (int i = 0; i < bytes.length; i += 3) {
            byte grey = (byte) random.nextInt(256);
            bytes[i] = grey;
            bytes[i + 1] = grey;
            bytes[i + 2] = grey;
        }
        Mat image = new Mat(height, width, CV_8UC3);
        image.data().put(bytes);
        return image;
    }

    /** A face of 40x48 pixels, times {@code scale}; x and y of its square, multiples of 8 times scale. */
    public static void small(Mat image, int x, int y, int scale) {
        square(image, x, y, 8 * scale, 255, 0, 0);
    }

    /** A face of 80x96 pixels, times {@code scale}; x and y of its square, multiples of 16 times scale. */
    public static void large(Mat image, int x, int y, int scale) {
        square(image, x, y, 16 * scale, 0, 0, 255);
    }

    /** A small face that the detector is less sure of: .71. */
    public static void unclear(Mat image, int x, int y) {
        square(image, x, y, 8, 255, 255, 0);
    }

    private static void square(Mat image, int x, int y, int side, int red, int green, int blue) {
        try (Rect place = new Rect(x, y, side, side);
                Mat square = new Mat(image, place);
                Scalar color = new Scalar(red, green, blue, 0)) {
            square.put(color);
        }
    }
}
