package org.facerecognition.augment;

import java.util.function.BiFunction;
import java.util.random.RandomGenerator;
import org.bytedeco.opencv.opencv_core.Mat;

/** One part of a {@link ColorJitter} with a fixed amount. It is not random any more. */
record Adjustment(Kind kind, double amount) implements Transform {

    /** The parts, in the order in which {@code ColorJitter} names and draws them. */
    enum Kind {
        BRIGHTNESS(1, Adjust::brightness),
        CONTRAST(1, Adjust::contrast),
        SATURATION(1, Adjust::saturation),
        HUE(0, Adjust::hue);

        final double neutral;
        private final BiFunction<Mat, Double, Mat> pixels;

        Kind(double neutral, BiFunction<Mat, Double, Mat> pixels) {
            this.neutral = neutral;
            this.pixels = pixels;
        }
    }

    @Override
    public Mat apply(Mat image, RandomGenerator random) {
        return kind.pixels.apply(image, amount);
    }
}
