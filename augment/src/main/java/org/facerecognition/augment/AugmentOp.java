package org.facerecognition.augment;

import org.bytedeco.opencv.opencv_core.Mat;

/** The operations that {@link RandAugment} and {@link TrivialAugmentWide} choose from, in torchvision's order. */
enum AugmentOp {
    IDENTITY,
    SHEAR_X,
    SHEAR_Y,
    TRANSLATE_X,
    TRANSLATE_Y,
    ROTATE,
    BRIGHTNESS,
    COLOR,
    CONTRAST,
    SHARPNESS,
    POSTERIZE,
    SOLARIZE,
    AUTO_CONTRAST,
    EQUALIZE;

    /** Returns whether the magnitude is applied with a random sign. */
    boolean isSigned() {
        return ordinal() >= SHEAR_X.ordinal() && ordinal() <= SHARPNESS.ordinal();
    }

    /**
     * Applies the operation to an image.
     *
     * @param magnitude in the unit of the operation: the tangent of an angle (shear), pixels (translate), degrees
     *     (rotate), the difference of a factor from 1 (brightness to sharpness), bits (posterize), or a threshold
     *     (solarize)
     * @return owned
     */
    Mat apply(Mat image, double magnitude, Interpolation interpolation) {
        return switch (this) {
            case IDENTITY -> image.clone();
            case SHEAR_X -> shear(image, Math.toDegrees(Math.atan(magnitude)), 0, interpolation);
            case SHEAR_Y -> shear(image, 0, Math.toDegrees(Math.atan(magnitude)), interpolation);
            case TRANSLATE_X -> RandomAffine.affine(image, 0, (int) magnitude, 0, 1, 0, 0, interpolation);
            case TRANSLATE_Y -> RandomAffine.affine(image, 0, 0, (int) magnitude, 1, 0, 0, interpolation);
            case ROTATE -> RandomRotation.rotate(image, magnitude, interpolation);
            case BRIGHTNESS -> Adjust.brightness(image, 1 + magnitude);
            case COLOR -> Adjust.saturation(image, 1 + magnitude);
            case CONTRAST -> Adjust.contrast(image, 1 + magnitude);
            case SHARPNESS -> RandomAdjustSharpness.sharpen(image, 1 + magnitude);
            case POSTERIZE -> RandomPosterize.posterize(image, (int) magnitude);
            case SOLARIZE -> RandomSolarize.solarize(image, magnitude);
            case AUTO_CONTRAST -> RandomAutocontrast.autocontrast(image);
            case EQUALIZE -> RandomEqualize.equalize(image);
        };
    }

    /** Shears about the upper left corner, as torchvision does in its automatic augmentations only. */
    private static Mat shear(Mat image, double shearX, double shearY, Interpolation interpolation) {
        Images.requireRgb(image);
        float[] inverse = new Warp.Motion(0, 0, 0, 1, shearX, shearY).inverse(-0.5 * image.cols(), -0.5 * image.rows());
        return Warp.apply(image, inverse, interpolation);
    }
}
