package org.facerecognition.augment;

import java.util.random.RandomGenerator;
import org.bytedeco.opencv.opencv_core.Mat;

/**
 * With probability {@code p} keeps only the most significant bits of every value: torchvision's {@code
 * RandomPosterize}.
 *
 * @param bits the number of bits that are kept, 0 (black) to 8 (unchanged)
 * @param p the probability that the image is changed, in [0, 1]
 */
public record RandomPosterize(int bits, double p) implements Transform {

    public RandomPosterize {
        requireBits(bits);
        Probability.require(p);
    }

    /** Creates a transform with torchvision's {@code p=0.5}. */
    public RandomPosterize(int bits) {
        this(bits, 0.5);
    }

    @Override
    public Mat apply(Mat image, RandomGenerator random) {
        Images.requireRgb(image);
        return random.nextDouble() < p ? posterize(image, bits) : image.clone();
    }

    /**
     * Sets the lowest {@code 8 - bits} bits of every value to zero.
     *
     * @return owned
     */
    public static Mat posterize(Mat image, int bits) {
        requireBits(bits);
        int mask = -(1 << (8 - bits));
        byte[] table = new byte[256];
        for (int v = 0; v < 256; v++) {
            table[v] = (byte) (v & mask);
        }
        return Images.lookUp(image, table);
    }

    private static void requireBits(int bits) {
        if (bits < 0 || bits > 8) {
            throw new IllegalArgumentException("bits must be in [0, 8], but was " + bits);
        }
    }

    @Override
    public String toString() {
        return "RandomPosterize(bits=" + bits + ", p=" + p + ")";
    }
}
