package org.facerecognition.augment;

import java.util.random.RandomGenerator;
import org.bytedeco.opencv.opencv_core.Mat;

/**
 * Applies one of fourteen operations with a strength, both chosen uniformly: torchvision's {@code TrivialAugmentWide},
 * after Mueller and Hutter, "TrivialAugment: Tuning-free Yet State-of-the-Art Data Augmentation", arXiv 2103.10158.
 *
 * @param numMagnitudeBins the number of strengths from weakest to strongest, at least 2
 * @param interpolation the interpolation between moved pixels
 */
public record TrivialAugmentWide(int numMagnitudeBins, Interpolation interpolation) implements Transform {

    public TrivialAugmentWide {
        if (numMagnitudeBins < 2) {
            throw new IllegalArgumentException("num_magnitude_bins must be at least 2, but was " + numMagnitudeBins);
        }
    }

    /** Creates a transform with torchvision's defaults. */
    public TrivialAugmentWide() {
        this(31, Interpolation.NEAREST);
    }

    @Override
    public Mat apply(Mat image, RandomGenerator random) {
        Images.requireRgb(image);
        AugmentOp op = AugmentOp.values()[random.nextInt(AugmentOp.values().length)];
        double amount = magnitude(op, random.nextInt(numMagnitudeBins));
        boolean negated = op.isSigned() && random.nextBoolean();
        return op.apply(image, negated ? -amount : amount, interpolation);
    }

    /** Returns the magnitude in the unit of an operation; see {@link AugmentOp#apply}. */
    double magnitude(AugmentOp op, int bin) {
        double fraction = (double) bin / (numMagnitudeBins - 1);
        return switch (op) {
            case IDENTITY, AUTO_CONTRAST, EQUALIZE -> 0;
            case SHEAR_X, SHEAR_Y, BRIGHTNESS, COLOR, CONTRAST, SHARPNESS -> 0.99 * fraction;
            case TRANSLATE_X, TRANSLATE_Y -> 32 * fraction;
            case ROTATE -> 135 * fraction;
            case POSTERIZE -> 8 - Math.rint(6 * fraction);
            case SOLARIZE -> 255 - 255.0 * bin / (numMagnitudeBins - 1); // whole thresholds are exact
        };
    }

    @Override
    public String toString() {
        return "TrivialAugmentWide(num_magnitude_bins=" + numMagnitudeBins + ", interpolation=" + interpolation + ")";
    }
}
