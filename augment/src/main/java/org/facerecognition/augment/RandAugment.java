package org.facerecognition.augment;

import java.util.random.RandomGenerator;
import org.bytedeco.opencv.opencv_core.Mat;

/**
 * Applies several of fourteen operations, each chosen uniformly, all with the same strength: torchvision's {@code
 * RandAugment}, after Cubuk et al., "RandAugment: Practical Automated Data Augmentation with a Reduced Search Space",
 * arXiv 1909.13719.
 *
 * @param numOps the number of operations in sequence, not negative
 * @param magnitude the strength, from 0 to below {@code numMagnitudeBins}
 * @param numMagnitudeBins the number of strengths from weakest to strongest, at least 2
 * @param interpolation the interpolation between moved pixels
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

    /** Creates a transform with torchvision's defaults. */
    public RandAugment() {
        this(2, 9, 31, Interpolation.NEAREST);
    }

    @Override
    public Mat apply(Mat image, RandomGenerator random) {
        Images.requireRgb(image);
        Mat current = image.clone();
        for (int i = 0; i < numOps; i++) {
            AugmentOp op = AugmentOp.values()[random.nextInt(AugmentOp.values().length)];
            double amount = magnitude(op, image.cols(), image.rows());
            boolean negated = op.isSigned() && random.nextBoolean();
            try (Mat previous = current) {
                current = op.apply(previous, negated ? -amount : amount, interpolation);
            }
        }
        return current;
    }

    /** Returns the magnitude in the unit of an operation; see {@link AugmentOp#apply}. */
    double magnitude(AugmentOp op, int width, int height) {
        double fraction = (double) magnitude / (numMagnitudeBins - 1);
        return switch (op) {
            case IDENTITY, AUTO_CONTRAST, EQUALIZE -> 0;
            case SHEAR_X, SHEAR_Y -> 0.3 * fraction;
            case TRANSLATE_X -> 150.0 / 331.0 * width * fraction;
            case TRANSLATE_Y -> 150.0 / 331.0 * height * fraction;
            case ROTATE -> 30 * fraction;
            case BRIGHTNESS, COLOR, CONTRAST, SHARPNESS -> 0.9 * fraction;
            case POSTERIZE -> 8 - Math.rint(4 * fraction);
            case SOLARIZE -> 255 - 255.0 * magnitude / (numMagnitudeBins - 1); // whole thresholds are exact
        };
    }

    @Override
    public String toString() {
        return "RandAugment(num_ops=" + numOps + ", magnitude=" + magnitude + ", num_magnitude_bins=" + numMagnitudeBins
                + ", interpolation=" + interpolation + ")";
    }
}
