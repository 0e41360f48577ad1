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

    /** Creates a transform with torchvision's {@code p=0.5}. */
    public RandomEqualize() {
        this(0.5);
    }

    @Override
    public Mat apply(Mat image, RandomGenerator random) {
        Images.requireRgb(image);
        return random.nextDouble() < p ? equalize(image) : image.clone();
    }

    /**
     * Equalizes the histogram of each channel like Pillow and torchvision; OpenCV's {@code equalizeHist} rounds
     * differently. A channel with fewer than 255 pixels below its brightest value does not change.
     *
     * @return owned
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
            // 0 maps to 0 whatever the step: torchvision shifts its cumulative table by one and pads it with zero
            table[3 * v + channel] = (byte) (v == 0 ? 0 : level);
            below += histogram[v];
        }
    }

    @Override
    public String toString() {
        return "RandomEqualize(p=" + p + ")";
    }
}
