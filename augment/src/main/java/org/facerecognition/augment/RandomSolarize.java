package org.facerecognition.augment;

import java.util.random.RandomGenerator;
import org.bytedeco.opencv.opencv_core.Mat;

/**
 * With probability {@code p} inverts the bright values: torchvision's {@code RandomSolarize}.
 *
 * @param threshold values at or above it are inverted; in [0, 256]
 * @param p the probability that the image is changed, in [0, 1]
 */
public record RandomSolarize(double threshold, double p) implements Transform {

    public RandomSolarize {
        requireThreshold(threshold);
        Probability.require(p);
    }

    /** Creates a transform with torchvision's {@code p=0.5}. */
    public RandomSolarize(double threshold) {
        this(threshold, 0.5);
    }

    @Override
    public Mat apply(Mat image, RandomGenerator random) {
        Images.requireRgb(image);
        return random.nextDouble() < p ? solarize(image, threshold) : image.clone();
    }

    /**
     * Replaces every value {@code v >= threshold} by {@code 255 - v}.
     *
     * @return owned
     */
    public static Mat solarize(Mat image, double threshold) {
        requireThreshold(threshold);
        byte[] table = new byte[256];
        for (int v = 0; v < 256; v++) {
            table[v] = (byte) (v >= threshold ? 255 - v : v);
        }
        return Images.lookUp(image, table);
    }

    private static void requireThreshold(double threshold) {
        if (!(threshold >= 0 && threshold <= 256)) {
            throw new IllegalArgumentException("threshold must be in [0, 256], but was " + threshold);
        }
    }

    @Override
    public String toString() {
        return "RandomSolarize(threshold=" + threshold + ", p=" + p + ")";
    }
}
