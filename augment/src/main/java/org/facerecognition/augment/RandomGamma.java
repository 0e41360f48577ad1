package org.facerecognition.augment;

import java.util.random.RandomGenerator;
import org.bytedeco.opencv.opencv_core.Mat;

/**
 * Applies a gamma correction: the values between black and white become darker (above 1) or brighter (below 1).
 * torchvision has the pixel function ({@code adjust_gamma}) but no transform.
 *
 * @param gamma the exponent, not negative
 */
public record RandomGamma(Range gamma) implements Transform {

    public RandomGamma {
        requireGamma(gamma.min());
    }

    /** Creates a transform from clearly brighter to clearly darker: exponents of 0.7 to 1.5. */
    public RandomGamma() {
        this(new Range(0.7, 1.5));
    }

    @Override
    public Mat apply(Mat image, RandomGenerator random) {
        Images.requireRgb(image);
        return gamma(image, gamma.draw(random));
    }

    /**
     * Replaces every value {@code v} by {@code 255.999 (v / 255)^gamma}, truncated to an integer.
     *
     * @return owned
     */
    public static Mat gamma(Mat image, double gamma) {
        requireGamma(gamma);
        byte[] table = new byte[256];
        for (int v = 0; v < 256; v++) {
            // 255.999 is torchvision's factor for the conversion to uint8
            table[v] = Images.truncate((float) (255.999 * Math.pow(v / 255f, gamma)));
        }
        return Images.lookUp(image, table);
    }

    private static void requireGamma(double gamma) {
        if (!(gamma >= 0)) {
            throw new IllegalArgumentException("gamma must not be negative, but was " + gamma);
        }
    }

    @Override
    public String toString() {
        return "RandomGamma(gamma=" + gamma + ")";
    }
}
