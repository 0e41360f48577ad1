package org.facerecognition.augment;

import java.util.random.RandomGenerator;
import org.bytedeco.opencv.opencv_core.Mat;

/**
 * With probability {@code p} stretches the values of each channel to the full range: torchvision's {@code
 * RandomAutocontrast}.
 *
 * @param p the probability that the image is changed, in [0, 1]
 */
public record RandomAutocontrast(double p) implements Transform {

    public RandomAutocontrast {
        Probability.require(p);
    }

    /** Creates a transform with torchvision's {@code p=0.5}. */
    public RandomAutocontrast() {
        this(0.5);
    }

    @Override
    public Mat apply(Mat image, RandomGenerator random) {
        Images.requireRgb(image);
        return random.nextDouble() < p ? autocontrast(image) : image.clone();
    }

    /**
     * Maps the darkest value of each channel to 0 and the brightest to 255. A channel with a single value does not
     * change.
     *
     * @return owned
     */
    public static Mat autocontrast(Mat image) {
        int[][] histograms = Images.histograms(image);
        byte[] table = new byte[3 * 256];
        for (int channel = 0; channel < 3; channel++) {
            int darkest = 0;
            int brightest = 255;
            while (histograms[channel][darkest] == 0) {
                darkest++;
            }
            while (histograms[channel][brightest] == 0) {
                brightest--;
            }
            boolean flat = darkest == brightest;
            float scale = flat ? 1 : 255f / (brightest - darkest);
            float offset = flat ? 0 : darkest;
            for (int v = 0; v < 256; v++) {
                table[3 * v + channel] = Images.truncate((v - offset) * scale);
            }
        }
        return Images.lookUpPerChannel(image, table);
    }

    @Override
    public String toString() {
        return "RandomAutocontrast(p=" + p + ")";
    }
}
