package org.facerecognition.augment;

import java.util.random.RandomGenerator;
import org.bytedeco.opencv.opencv_core.Mat;

/**
 * Rotates the image about its center and fills uncovered areas with black: torchvision's {@code RandomRotation}. With
 * bilinear interpolation, pixels at the edge of an uncovered area are blended with black once, as by torchvision's
 * function without a fill; its class multiplies by their coverage twice.
 *
 * @param degrees the rotation, counterclockwise
 * @param interpolation the interpolation between pixels
 */
public record RandomRotation(Range degrees, Interpolation interpolation) implements Transform {

    /** Creates a rotation by up to {@code degrees} in either direction, with torchvision's default interpolation. */
    public RandomRotation(double degrees) {
        this(new Range(0 - degrees, degrees), Interpolation.NEAREST);
    }

    @Override
    public Mat apply(Mat image, RandomGenerator random) {
        Images.requireRgb(image);
        return rotate(image, degrees.draw(random), interpolation);
    }

    /**
     * Rotates an image about its center.
     *
     * @param degrees the rotation, counterclockwise
     * @return owned
     */
    public static Mat rotate(Mat image, double degrees, Interpolation interpolation) {
        return Warp.apply(image, new Warp.Motion(-degrees, 0, 0, 1, 0, 0).inverse(0, 0), interpolation);
    }

    @Override
    public String toString() {
        return "RandomRotation(degrees=" + degrees + ", interpolation=" + interpolation + ")";
    }
}
