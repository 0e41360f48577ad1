package org.facerecognition.augment;

import java.util.random.RandomGenerator;
import org.bytedeco.opencv.opencv_core.Mat;

/**
 * Removes the color: torchvision's {@code Grayscale(num_output_channels=3)}, tensor kernel. Draws nothing.
 *
 * @param outputChannels 3, all of them equal; a transform keeps its image's type, so torchvision's 1 is refused
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

    /** Each pixel's {@code 0.2989 R + 0.587 G + 0.114 B}, cut off to a whole number, in all three channels. */
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
     * The gray level in 0..255 of the pixel whose R is at {@code i}. The weights sum to 0.9999 and the fraction is cut off,
     * so gray 200 becomes 199, in torchvision too.
     */
    static int gray(byte[] rgb, int i) {
        return (int) (0.2989f * (rgb[i] & 0xff) + 0.587f * (rgb[i + 1] & 0xff) + 0.114f * (rgb[i + 2] & 0xff));
    }

    @Override
    public String toString() {
        return "Grayscale(num_output_channels=" + outputChannels + ")";
    }
}
