package org.facerecognition.augment;

import java.util.random.RandomGenerator;
import org.bytedeco.opencv.opencv_core.Mat;

/**
 * Turns about the center, black where nothing comes from: torchvision's {@code RandomRotation}.
 *
 * @param degrees counter-clockwise
 * @param interpolation between pixels
 */
public record RandomRotation(Range degrees, Interpolation interpolation) implements Transform {

    /** Either way by up to {@code degrees}, by the nearest pixel: torchvision's default. */
    public RandomRotation(double degrees) {
        this(new Range(0 - degrees, degrees), Interpolation.NEAREST);
    }

    @Override
    public Mat apply(Mat image, RandomGenerator random) {
        Images.requireRgb(image);
        return rotate(image, degrees.draw(random), interpolation);
    }

    /** Turns by {@code degrees} counter-clockwise. */
    public static Mat rotate(Mat image, double degrees, Interpolation interpolation) {
        return Warp.apply(image, new Warp.Move(-degrees, 0, 0, 1, 0, 0).inverse(0, 0), interpolation);
    }

    @Override
    public String toString() {
        return "RandomRotation(degrees=" + degrees + ", interpolation=" + interpolation + ")";
    }
}
