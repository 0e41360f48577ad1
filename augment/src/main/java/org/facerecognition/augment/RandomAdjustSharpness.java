package org.facerecognition.augment;

import java.nio.ByteBuffer;
import java.util.random.RandomGenerator;
import org.bytedeco.opencv.opencv_core.Mat;

/**
 * With probability {@code p} makes the image sharper or softer: torchvision's {@code RandomAdjustSharpness}.
 *
 * @param sharpnessFactor 0 softens, 1 changes nothing, 2 sharpens; not negative
 * @param p the probability that the image is changed, in [0, 1]
 */
public record RandomAdjustSharpness(double sharpnessFactor, double p) implements Transform {

    public RandomAdjustSharpness {
        requireFactor(sharpnessFactor);
        Probability.require(p);
    }

    /** With torchvision's {@code p=0.5}. */
    public RandomAdjustSharpness(double sharpnessFactor) {
        this(sharpnessFactor, 0.5);
    }

    @Override
    public Mat apply(Mat image, RandomGenerator random) {
        Images.requireRgb(image);
        return random.nextDouble() < p ? sharpen(image, sharpnessFactor) : image.clone();
    }

    /**
     * Moves every pixel from the mean of its surroundings (weights 1, the pixel itself 5, of 13). Pixels of the border, and
     * images of less than 3 pixels either way, stay as they are.
     */
    public static Mat sharpen(Mat image, double factor) {
        Images.requireRgb(image);
        requireFactor(factor);
        int rows = image.rows();
        int cols = image.cols();
        if (rows <= 2 || cols <= 2) {
            return image.clone();
        }
        float ratio = (float) factor;
        float rest = (float) (1 - factor);
        byte[] alone = new byte[256]; // the border is blended with itself, which may cut a fraction off
        for (int v = 0; v < 256; v++) {
            alone[v] = Images.truncate(ratio * v + rest * v);
        }
        Mat result = Images.lookUp(image, alone);
        int step = Math.toIntExact(image.step());
        ByteBuffer from = image.createBuffer();
        byte[] line = new byte[3 * (cols - 2)];
        for (int y = 1; y < rows - 1; y++) {
            for (int i = 0; i < line.length; i++) {
                int at = y * step + 3 + i;
                int sum = 4 * (from.get(at) & 0xff);
                for (int row = at - step; row <= at + step; row += step) {
                    sum += (from.get(row - 3) & 0xff) + (from.get(row) & 0xff) + (from.get(row + 3) & 0xff);
                }
                float soft = (float) Math.rint(sum / 13f);
                line[i] = Images.truncate(ratio * (from.get(at) & 0xff) + rest * soft);
            }
            result.ptr(y, 1).put(line, 0, line.length);
        }
        return result;
    }

    private static void requireFactor(double factor) {
        if (!(factor >= 0 && factor < Double.POSITIVE_INFINITY)) {
            throw new IllegalArgumentException("sharpness factor must be finite and not negative, but was " + factor);
        }
    }

    @Override
    public String toString() {
        return "RandomAdjustSharpness(sharpness_factor=" + sharpnessFactor + ", p=" + p + ")";
    }
}
