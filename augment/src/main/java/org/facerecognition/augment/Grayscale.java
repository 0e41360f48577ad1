package org.facerecognition.augment;

import java.util.random.RandomGenerator;
import org.bytedeco.opencv.opencv_core.Mat;

/**
 * Removes the color: torchvision's {@code Grayscale(num_output_channels=3)} for tensors. It draws no random numbers.
 *
 * @param outputChannels 3, with equal values; torchvision's 1 is rejected, because a transform keeps the type of its
 *     image
 */
public record Grayscale(int outputChannels) implements Transform {

    public Grayscale {
        if (outputChannels != 3) {
            throw new IllegalArgumentException(
                    "outputChannels must be 3 (an image keeps its type), but was " + outputChannels);
        }
    }

    @Override
    public Mat apply(Mat image, RandomGenerator random) {
        return grayscale(image);
    }

    /**
     * Sets all three channels of each pixel to {@code 0.2989 R + 0.587 G + 0.114 B}, truncated to an integer.
     *
     * @return owned
     */
    public static Mat grayscale(Mat image) {
        return Images.changed(image, (rgb, length) -> {
            for (int i = 0; i < length; i += 3) {
                byte gray = (byte) gray(rgb, i);
                rgb[i] = gray;
                rgb[i + 1] = gray;
                rgb[i + 2] = gray;
            }
        });
    }

    /**
     * Returns the gray level in 0..255 of the pixel whose red value is at index {@code i}. The weights sum to 0.9999
     * and the fraction is truncated, so gray 200 becomes 199, as in torchvision.
     */
    static int gray(byte[] rgb, int i) {
        return (int) (0.2989f * (rgb[i] & 0xff) + 0.587f * (rgb[i + 1] & 0xff) + 0.114f * (rgb[i + 2] & 0xff));
    }

    @Override
    public String toString() {
        return "Grayscale(num_output_channels=" + outputChannels + ")";
    }
}
