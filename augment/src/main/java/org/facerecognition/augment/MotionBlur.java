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
 * @param length the length of the line in pixels, at least 1; 1 changes nothing
 */
public record MotionBlur(Range length) implements Transform {
    private static final int STEPS_PER_PIXEL = 8;

    public MotionBlur {
        if (!(length.min() >= 1)) {
            throw new IllegalArgumentException("length must be at least 1 pixel, but was " + length);
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
     * @param length the length of the line in pixels, at least 1
     * @param degrees the direction of the line, counterclockwise; 0 is horizontal
     * @return owned
     */
    public static Mat blur(Mat image, double length, double degrees) {
        Images.requireRgb(image);
        int half = (int) Math.ceil((length - 1) / 2);
        int side = 2 * half + 1;
        float[] weights = new float[side * side];
        int steps = 2 * half * STEPS_PER_PIXEL + 1;
        for (int i = 0; i < steps; i++) {
            double along = steps == 1 ? 0 : (length - 1) * ((double) i / (steps - 1) - 0.5);
            long x = half + Math.round(along * Math.cos(Math.toRadians(degrees)));
            long y = half - Math.round(along * Math.sin(Math.toRadians(degrees)));
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
