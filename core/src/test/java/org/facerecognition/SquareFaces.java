package org.facerecognition;

import static org.bytedeco.opencv.global.opencv_core.CV_8UC3;

import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.Random;
import org.bytedeco.opencv.opencv_core.Mat;
import org.bytedeco.opencv.opencv_core.Rect;
import org.bytedeco.opencv.opencv_core.Scalar;

/**
 * Synthetic photographs for the detector in {@code vision/squares.onnx}, which detects a red square of 8 pixels as a
 * small face and a blue square of 16 pixels as a large face. The background is gray noise, in which it detects nothing.
 */
public final class SquareFaces {
    private SquareFaces() {}

    /** Returns the file of the detector. */
    public static Path detector() {
        try {
            return Path.of(SquareFaces.class.getResource("/vision/squares.onnx").toURI());
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Returns an owned RGB image of gray noise without a face. */
    public static Mat photo(int width, int height, long seed) {
        Random random = new Random(seed);
        byte[] bytes = new byte[3 * width * height];
        for (int i = 0; i < bytes.length; i += 3) {
            byte gray = (byte) random.nextInt(256);
            bytes[i] = gray;
            bytes[i + 1] = gray;
            bytes[i + 2] = gray;
        }
        Mat image = new Mat(height, width, CV_8UC3);
        image.data().put(bytes);
        return image;
    }

    /**
     * Paints a face of 40x48 pixels times {@code scale}; x and y, of its square, must be multiples of 8 times scale.
     */
    public static void small(Mat image, int x, int y, int scale) {
        square(image, x, y, 8 * scale, 255, 0, 0);
    }

    /**
     * Paints a face of 80x96 pixels times {@code scale}; x and y, of its square, must be multiples of 16 times scale.
     */
    public static void large(Mat image, int x, int y, int scale) {
        square(image, x, y, 16 * scale, 0, 0, 255);
    }

    /** Paints a small face that the detector gives a score of only 0.71. */
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
