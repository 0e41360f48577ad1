package org.facerecognition.augment;

import java.util.random.RandomGenerator;
import org.bytedeco.opencv.opencv_core.Mat;

/**
 * Applies one of fourteen operations, chosen evenly, of a strength drawn evenly: torchvision's {@code TrivialAugmentWide},
 * after Mueller and Hutter, "TrivialAugment: Tuning-free Yet State-of-the-Art Data Augmentation", arXiv 2103.10158.
 *
 * @param numMagnitudeBins steps from weakest to strongest, at least 2
 * @param interpolation between moved pixels
 */
public record TrivialAugmentWide(int numMagnitudeBins, Interpolation interpolation) implements Transform {

    public TrivialAugmentWide {
        if (numMagnitudeBins < 2) {
            throw new IllegalArgumentException("num_magnitude_bins must be at least 2, but was " + numMagnitudeBins);
        }
    }

    /** torchvision's defaults. */
    public TrivialAugmentWide() {
        this(31, Interpolation.NEAREST);
    }

    @Override
    public Mat apply(Mat image, RandomGenerator random) {
        Images.requireRgb(image);
        AugmentOp op = AugmentOp.values()[random.nextInt(AugmentOp.values().length)];
        double strength = magnitude(op, random.nextInt(numMagnitudeBins));
        boolean other = op.isSigned() && random.nextBoolean();
        return op.apply(image, other ? -strength : strength, interpolation);
    }

    double magnitude(AugmentOp op, int bin) {
        double share = (double) bin / (numMagnitudeBins - 1);
        return switch (op) {
            case IDENTITY, AUTO_CONTRAST, EQUALIZE -> 0;
            case SHEAR_X, SHEAR_Y, BRIGHTNESS, COLOR, CONTRAST, SHARPNESS -> 0.99 * share;
            case TRANSLATE_X, TRANSLATE_Y -> 32 * share;
            case ROTATE -> 135 * share;
            case POSTERIZE -> 8 - Math.rint(6 * share);
            case SOLARIZE -> 255 * (1 - share);
        };
    }

    @Override
    public String toString() {
        return "TrivialAugmentWide(num_magnitude_bins=" + numMagnitudeBins + ", interpolation=" + interpolation + ")";
    }
}
