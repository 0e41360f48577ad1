package org.facerecognition.augment;

import java.lang.ref.Reference;
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

    /** Creates a transform with torchvision's {@code p=0.5}. */
    public RandomAdjustSharpness(double sharpnessFactor) {
        this(sharpnessFactor, 0.5);
    }

    @Override
    public Mat apply(Mat image, RandomGenerator random) {
        Images.requireRgb(image);
        return random.nextDouble() < p ? sharpen(image, sharpnessFactor) : image.clone();
    }

    /**
     * Scales the difference of every pixel from the weighted mean of its 3x3 neighborhood (weight 5/13 for the pixel
     * itself, 1/13 for its neighbors). Border pixels, and images with a side of less than 3 pixels, do not change.
     *
     * @param factor at least 0; 0 softens, 1 changes nothing, 2 sharpens
     * @return owned
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
        byte[] border = new byte[256]; // the border is blended with itself, which may truncate a fraction
        for (int v = 0; v < 256; v++) {
            border[v] = Images.truncate(ratio * v + rest * v);
        }
        Mat result = Images.lookUp(image, border);
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
        Reference.reachabilityFence(image); // the buffer alone does not keep its pixels
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
