package org.facerecognition.augment;

import java.util.random.RandomGenerator;
import org.bytedeco.opencv.opencv_core.Mat;

/**
 * Rotates, translates, scales and shears the image about its center and fills uncovered areas with black: torchvision's
 * {@code RandomAffine}. With bilinear interpolation, pixels at the edge of an uncovered area are blended with black
 * once, as by torchvision's function without a fill; its class multiplies by their coverage twice.
 *
 * @param degrees the rotation, clockwise
 * @param translateX the largest horizontal translation in either direction, as a fraction of the width, in [0, 1]
 * @param translateY the largest vertical translation in either direction, as a fraction of the height, in [0, 1]
 * @param scale the scale factor, positive; above 1 enlarges
 * @param shearX the shear along x in degrees, in [-89, 89]
 * @param shearY the shear along y in degrees, in [-89, 89]
 * @param interpolation the interpolation between pixels
 */
public record RandomAffine(
        Range degrees,
        double translateX,
        double translateY,
        Range scale,
        Range shearX,
        Range shearY,
        Interpolation interpolation)
        implements Transform {

    public RandomAffine {
        if (!(translateX >= 0 && translateX <= 1 && translateY >= 0 && translateY <= 1)) {
            throw new IllegalArgumentException(
                    "translate must be in [0, 1], but was (" + translateX + ", " + translateY + ")");
        }
        if (!(scale.min() > 0)) {
            throw new IllegalArgumentException("scale must be positive, but was " + scale);
        }
        if (!shearX.within(-89, 89) || !shearY.within(-89, 89)) {
            throw new IllegalArgumentException("shear must be in [-89, 89] degrees, but was " + shearX + ", " + shearY);
        }
    }

    @Override
    public Mat apply(Mat image, RandomGenerator random) {
        Images.requireRgb(image);
        return Warp.apply(image, draw(image.cols(), image.rows(), random).inverse(0, 0), interpolation);
    }

    /** Draws a motion for an image size; translations are whole pixels. */
    Warp.Motion draw(int width, int height, RandomGenerator random) {
        double angle = degrees.draw(random);
        double dx = Math.rint(new Range(0 - translateX * width, translateX * width).draw(random));
        double dy = Math.rint(new Range(0 - translateY * height, translateY * height).draw(random));
        return new Warp.Motion(angle, dx, dy, scale.draw(random), shearX.draw(random), shearY.draw(random));
    }

    /**
     * Shears, scales, rotates and translates an image about its center.
     *
     * @param degrees the rotation, clockwise
     * @param translateX the translation to the right in pixels
     * @param translateY the translation down in pixels
     * @param scale the scale factor
     * @param shearX the shear along x in degrees
     * @param shearY the shear along y in degrees
     * @return owned
     */
    public static Mat affine(
            Mat image,
            double degrees,
            double translateX,
            double translateY,
            double scale,
            double shearX,
            double shearY,
            Interpolation interpolation) {
        Warp.Motion motion = new Warp.Motion(degrees, translateX, translateY, scale, shearX, shearY);
        return Warp.apply(image, motion.inverse(0, 0), interpolation);
    }

    @Override
    public String toString() {
        return "RandomAffine(degrees=" + degrees + ", translate=(" + translateX + ", " + translateY + "), scale="
                + scale
                + ", shear=(" + shearX.min() + ", " + shearX.max() + ", " + shearY.min() + ", " + shearY.max()
                + "), interpolation=" + interpolation + ")";
    }
}
