package org.facerecognition.augment;

import java.util.random.RandomGenerator;
import org.bytedeco.opencv.opencv_core.Mat;

/**
 * With probability {@code p} equalizes the histogram of each channel: torchvision's {@code RandomEqualize}.
 *
 * @param p the probability that the image is changed, in [0, 1]
 */
public record RandomEqualize(double p) implements Transform {

    public RandomEqualize {
        Probability.require(p);
    }

    /** With torchvision's {@code p=0.5}. */
    public RandomEqualize() {
        this(0.5);
    }

    @Override
    public Mat apply(Mat image, RandomGenerator random) {
        Images.requireRgb(image);
        return random.nextDouble() < p ? equalize(image) : image.clone();
    }

    /**
     * Spreads each channel's values so that they are about equally frequent, as Pillow and torchvision do it. OpenCV's
     * {@code equalizeHist} rounds differently and does not serve. A channel of fewer than 255 pixels below its brightest
     * value stays as it is.
     */
    public static Mat equalize(Mat image) {
        int[][] histograms = Images.histograms(image);
        byte[] table = new byte[3 * 256];
        for (int channel = 0; channel < 3; channel++) {
            fillTable(histograms[channel], Math.toIntExact(image.total()), table, channel);
        }
        return Images.lookUpPerChannel(image, table);
    }

    private static void fillTable(int[] histogram, int pixels, byte[] table, int channel) {
        int brightest = 255;
        while (histogram[brightest] == 0) {
            brightest--;
        }
        int step = (pixels - histogram[brightest]) / 255;
        int below = 0;
        for (int v = 0; v < 256; v++) {
            int level = step == 0 ? v : Math.min(255, (below + step / 2) / step);
            // Value 0 goes to 0 whatever the step: torchvision shifts its cumulative table by one and pads with zero.
            table[3 * v + channel] = (byte) (v == 0 ? 0 : level);
            below += histogram[v];
        }
    }

    @Override
    public String toString() {
        return "RandomEqualize(p=" + p + ")";
    }
}
