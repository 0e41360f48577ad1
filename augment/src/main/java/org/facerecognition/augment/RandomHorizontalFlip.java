package org.facerecognition.augment;

import java.util.random.RandomGenerator;
import org.bytedeco.opencv.global.opencv_core;
import org.bytedeco.opencv.opencv_core.Mat;

/**
 * With probability {@code p} mirrors the image horizontally: torchvision's {@code RandomHorizontalFlip}.
 *
 * @param p the probability that the image is changed, in [0, 1]
 */
public record RandomHorizontalFlip(double p) implements Transform {

    public RandomHorizontalFlip {
        Probability.require(p);
    }

    /** Creates a transform with torchvision's {@code p=0.5}. */
    public RandomHorizontalFlip() {
        this(0.5);
    }

    @Override
    public Mat apply(Mat image, RandomGenerator random) {
        Images.requireRgb(image);
        return random.nextDouble() < p ? flip(image) : image.clone();
    }

    /**
     * Returns the mirror image.
     *
     * @return owned
     */
    public static Mat flip(Mat image) {
        Images.requireRgb(image);
        Mat mirrored = new Mat();
        opencv_core.flip(image, mirrored, 1); // about the vertical axis
        return mirrored;
    }

    @Override
    public String toString() {
        return "RandomHorizontalFlip(p=" + p + ")";
    }
}
