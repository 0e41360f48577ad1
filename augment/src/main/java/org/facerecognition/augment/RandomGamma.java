package org.facerecognition.augment;

import java.util.random.RandomGenerator;
import org.bytedeco.opencv.opencv_core.Mat;

/**
 * Bends the tone: black and white stay, what is between becomes darker (above 1) or brighter. torchvision has the pixel
 * function ({@code adjust_gamma}) and no transform.
 *
 * @param gamma the exponent, not negative
 */
public record RandomGamma(Range gamma) implements Transform {

    public RandomGamma {
        requireGamma(gamma.min());
    }

    /** Plainly darker to plainly brighter. */
    public RandomGamma() {
        this(new Range(0.7, 1.5));
    }

    @Override
    public Mat apply(Mat image, RandomGenerator random) {
        Images.requireRgb(image);
        return gamma(image, gamma.draw(random));
    }

    /** Every value {@code v} becomes {@code 255 (v / 255)^gamma}, cut off to a whole number after adding .999. */
    public static Mat gamma(Mat image, double gamma) {
        requireGamma(gamma);
        byte[] table = new byte[256];
        for (int v = 0; v < 256; v++) {
            table[v] = Images.truncate((float) (255.999 * Math.pow(v / 255f, gamma))); // torchvision's way to uint8
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
