package org.facerecognition.augment;

import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import org.bytedeco.opencv.opencv_core.Mat;

/**
 * Adds independent Gaussian noise to every value, like a sensor in poor light.
 *
 * @param sigma the standard deviation of the noise, in gray levels of 0..255; not negative
 */
public record GaussianNoise(Range sigma) implements Transform {

    public GaussianNoise {
        if (!(sigma.min() >= 0)) {
            throw new IllegalArgumentException("sigma must not be negative, but was " + sigma);
        }
    }

    /** Creates noise from barely to clearly visible: a standard deviation of 1 to 15. */
    public GaussianNoise() {
        this(new Range(1, 15));
    }

    @Override
    public Mat apply(Mat image, RandomGenerator random) {
        Images.requireRgb(image);
        return add(image, sigma.draw(random), random.nextLong());
    }

    /**
     * Adds noise to an image and limits the result to 0..255.
     *
     * @param sigma the standard deviation of the noise, in gray levels; not negative
     * @param seed the seed of the noise; equal seeds give equal noise
     * @return owned
     * @throws IllegalArgumentException if sigma is negative or not finite
     */
    public static Mat add(Mat image, double sigma, long seed) {
        new GaussianNoise(new Range(sigma, sigma)); // checks it
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
