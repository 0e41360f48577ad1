package org.facerecognition.augment;

import java.util.random.RandomGenerator;
import org.bytedeco.opencv.opencv_core.Mat;

/**
 * Turns, moves, scales and shears about the center, black where nothing comes from: torchvision's {@code RandomAffine}.
 *
 * @param degrees clockwise
 * @param translateX largest move either way, as a share of the width, in [0, 1]
 * @param translateY largest move either way, as a share of the height, in [0, 1]
 * @param scale above 1 makes it larger; positive
 * @param shearX degrees along x
 * @param shearY degrees along y
 * @param interpolation between pixels
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

    Warp.Move draw(int width, int height, RandomGenerator random) {
        double angle = degrees.draw(random);
        double dx = Math.rint(new Range(0 - translateX * width, translateX * width).draw(random));
        double dy = Math.rint(new Range(0 - translateY * height, translateY * height).draw(random));
        return new Warp.Move(angle, dx, dy, scale.draw(random), shearX.draw(random), shearY.draw(random));
    }

    /**
     * Turns by {@code degrees} clockwise, scales, shears and moves about the center.
     *
     * @param translateX pixels to the right
     * @param translateY pixels down
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
        Warp.Move move = new Warp.Move(degrees, translateX, translateY, scale, shearX, shearY);
        return Warp.apply(image, move.inverse(0, 0), interpolation);
    }

    @Override
    public String toString() {
        return "RandomAffine(degrees=" + degrees + ", translate=(" + translateX + ", " + translateY + "), scale="
                + scale
                + ", shear=(" + shearX.min() + ", " + shearX.max() + ", " + shearY.min() + ", " + shearY.max()
                + "), interpolation=" + interpolation + ")";
    }
}
