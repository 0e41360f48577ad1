package org.facerecognition.augment;

import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import org.bytedeco.opencv.opencv_core.Mat;

/**
 * Adds noise to every value by itself, as a sensor in poor light does.
 *
 * @param sigma its standard deviation, in gray levels of 0..255; not negative
 */
public record GaussianNoise(Range sigma) implements Transform {

    public GaussianNoise {
        if (!(sigma.min() >= 0)) {
            throw new IllegalArgumentException("sigma must not be negative, but was " + sigma);
        }
    }

    /** From hardly to plainly seen. */
    public GaussianNoise() {
        this(new Range(1, 15));
    }

    @Override
    public Mat apply(Mat image, RandomGenerator random) {
        Images.requireRgb(image);
        return add(image, sigma.draw(random), random.nextLong());
    }

    /** @param seed of the noise; equal seeds give equal noise */
    public static Mat add(Mat image, double sigma, long seed) {
        SplittableRandom noise = new SplittableRandom(seed);
        return Images.changed(image, (rgb, length) -> {
            for (int i = 0; i < length; i++) {
                double value = (rgb[i] & 0xff) + sigma * noise.nextGaussian();
                rgb[i] = (byte) Math.max(0, Math.min(255, (int) Math.rint(value)));
            }
        });
    }

    @Override
    public String toString() {
        return "GaussianNoise(sigma=" + sigma + ")";
    }
}
