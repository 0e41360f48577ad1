package org.facerecognition.augment;

import java.util.random.RandomGenerator;
import org.bytedeco.opencv.opencv_core.Mat;

/**
 * With probability {@code p} inverts the image: torchvision's {@code RandomInvert}.
 *
 * @param p the probability that the image is changed, in [0, 1]
 */
public record RandomInvert(double p) implements Transform {

    public RandomInvert {
        Probability.require(p);
    }

    /** Creates a transform with torchvision's {@code p=0.5}. */
    public RandomInvert() {
        this(0.5);
    }

    @Override
    public Mat apply(Mat image, RandomGenerator random) {
        Images.requireRgb(image);
        return random.nextDouble() < p ? invert(image) : image.clone();
    }

    /**
     * Replaces every value {@code v} by {@code 255 - v}.
     *
     * @return owned
     */
    public static Mat invert(Mat image) {
        return RandomSolarize.solarize(image, 0);
    }

    @Override
    public String toString() {
        return "RandomInvert(p=" + p + ")";
    }
}
