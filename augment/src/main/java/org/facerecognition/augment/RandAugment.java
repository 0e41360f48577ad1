package org.facerecognition.augment;

import java.util.random.RandomGenerator;
import org.bytedeco.opencv.opencv_core.Mat;

/**
 * Applies a few of fourteen operations, each chosen evenly, all of one strength: torchvision's {@code RandAugment}, after
 * Cubuk et al., "RandAugment: Practical Automated Data Augmentation with a Reduced Search Space", arXiv 1909.13719.
 *
 * @param numOps how many one after the other, not negative
 * @param magnitude of the strength, from 0 to below {@code numMagnitudeBins}
 * @param numMagnitudeBins steps from weakest to strongest, at least 2
 * @param interpolation between moved pixels
 */
public record RandAugment(int numOps, int magnitude, int numMagnitudeBins, Interpolation interpolation)
        implements Transform {

    public RandAugment {
        if (numOps < 0) {
            throw new IllegalArgumentException("num_ops must not be negative, but was " + numOps);
        }
        if (numMagnitudeBins < 2) {
            throw new IllegalArgumentException("num_magnitude_bins must be at least 2, but was " + numMagnitudeBins);
        }
        if (magnitude < 0 || magnitude >= numMagnitudeBins) {
            throw new IllegalArgumentException(
                    "magnitude must be in [0, " + numMagnitudeBins + "), but was " + magnitude);
        }
    }

    /** torchvision's defaults. */
    public RandAugment() {
        this(2, 9, 31, Interpolation.NEAREST);
    }

    @Override
    public Mat apply(Mat image, RandomGenerator random) {
        Images.requireRgb(image);
        Mat current = image.clone();
        for (int i = 0; i < numOps; i++) {
            AugmentOp op = AugmentOp.values()[random.nextInt(AugmentOp.values().length)];
            double strength = magnitude(op, image.cols(), image.rows());
            boolean other = op.isSigned() && random.nextBoolean();
            try (Mat previous = current) {
                current = op.apply(previous, other ? -strength : strength, interpolation);
            }
        }
        return current;
    }

    double magnitude(AugmentOp op, int width, int height) {
        double share = (double) magnitude / (numMagnitudeBins - 1);
        return switch (op) {
            case IDENTITY, AUTO_CONTRAST, EQUALIZE -> 0;
            case SHEAR_X, SHEAR_Y -> 0.3 * share;
            case TRANSLATE_X -> 150.0 / 331.0 * width * share;
            case TRANSLATE_Y -> 150.0 / 331.0 * height * share;
            case ROTATE -> 30 * share;
            case BRIGHTNESS, COLOR, CONTRAST, SHARPNESS -> 0.9 * share;
            case POSTERIZE -> 8 - Math.rint(4 * share);
            case SOLARIZE -> 255 * (1 - share);
        };
    }

    @Override
    public String toString() {
        return "RandAugment(num_ops=" + numOps + ", magnitude=" + magnitude + ", num_magnitude_bins=" + numMagnitudeBins
                + ", interpolation=" + interpolation + ")";
    }
}
