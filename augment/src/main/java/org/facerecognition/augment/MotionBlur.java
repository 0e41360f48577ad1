package org.facerecognition.augment;

import static org.bytedeco.opencv.global.opencv_core.BORDER_ISOLATED;
import static org.bytedeco.opencv.global.opencv_core.BORDER_REPLICATE;
import static org.bytedeco.opencv.global.opencv_core.CV_32FC1;

import java.util.random.RandomGenerator;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.opencv.global.opencv_imgproc;
import org.bytedeco.opencv.opencv_core.Mat;
import org.bytedeco.opencv.opencv_core.Point;

/**
 * Blurs along a line of random direction, like a moving head or camera.
 *
 * @param length the length of the line in pixels, from 1, which changes nothing, to 1,000
 */
public record MotionBlur(Range length) implements Transform {
    private static final int STEPS_PER_PIXEL = 8;
    private static final int MAX_LENGTH_PX = 1_000; // the kernel has as many pixels on a side

    public MotionBlur {
        if (!length.within(1, MAX_LENGTH_PX)) {
            throw new IllegalArgumentException(
                    "length must be in [1, " + MAX_LENGTH_PX + "] pixels, but was " + length);
        }
    }

    /** Creates a blur of 3 to 11 pixels, which suits a 112x112 face. */
    public MotionBlur() {
        this(new Range(3, 11));
    }

    @Override
    public Mat apply(Mat image, RandomGenerator random) {
        Images.requireRgb(image);
        return blur(image, length.draw(random), 180 * random.nextDouble());
    }

    /**
     * Replaces each pixel by the mean along a line through it. Beyond the border the border pixels are repeated.
     *
     * @param length the length of the line in pixels, from 1 to 1,000
     * @param degrees the direction of the line, counterclockwise; 0 is horizontal
     * @return owned
     * @throws IllegalArgumentException if the length is out of range or the direction not finite
     */
    public static Mat blur(Mat image, double length, double degrees) {
        Images.requireRgb(image);
        new MotionBlur(new Range(length, length)); // checks it
        if (!Double.isFinite(degrees)) {
            throw new IllegalArgumentException("degrees must be finite, but was " + degrees);
        }
        int half = (int) Math.ceil((length - 1) / 2);
        int side = 2 * half + 1;
        float[] weights = new float[side * side];
        int steps = (int) Math.ceil(length) * STEPS_PER_PIXEL;
        for (int i = 0; i < steps; i++) {
            double along = length * ((i + 0.5) / steps - 0.5); // the middle of each of equal parts of the line
            // rint, which rounds halves alike on both sides of the pixel
            long x = half + (long) Math.rint(along * Math.cos(Math.toRadians(degrees)));
            long y = half - (long) Math.rint(along * Math.sin(Math.toRadians(degrees)));
            weights[(int) (y * side + x)] += 1f / steps;
        }
        try (FloatPointer values = new FloatPointer(weights);
                Mat kernel = new Mat(side, side, CV_32FC1, values);
                Point center = new Point(-1, -1)) {
            Mat result = new Mat();
            opencv_imgproc.filter2D(image, result, -1, kernel, center, 0, BORDER_REPLICATE | BORDER_ISOLATED);
            return result;
        }
    }

    @Override
    public String toString() {
        return "MotionBlur(length=" + length + ")";
    }
}
