package org.facerecognition.augment;

import java.util.Optional;
import java.util.random.RandomGenerator;
import org.bytedeco.opencv.opencv_core.Mat;
import org.bytedeco.opencv.opencv_core.Rect;
import org.bytedeco.opencv.opencv_core.Scalar;

/**
 * With probability {@code p} fills a random rectangle: torchvision's {@code RandomErasing} with a fixed color.
 *
 * @param p the probability that the image is changed, in [0, 1]
 * @param scale the area of the rectangle as a fraction of the image's, in [0, 1]
 * @param ratio the height of the rectangle divided by its width, positive; drawn log-uniformly
 * @param red the red value of the color, in [0, 255]
 * @param green the green value, in [0, 255]
 * @param blue the blue value, in [0, 255]
 */
public record RandomErasing(double p, Range scale, Range ratio, int red, int green, int blue) implements Transform {
    private static final int TRIES = 10; // torchvision's

    public RandomErasing {
        Probability.require(p);
        if (!scale.within(0, 1)) {
            throw new IllegalArgumentException("scale must be in [0, 1], but was " + scale);
        }
        if (!(ratio.min() > 0)) {
            throw new IllegalArgumentException("ratio must be positive, but was " + ratio);
        }
        for (int value : new int[] {red, green, blue}) {
            if (value < 0 || value > 255) {
                throw new IllegalArgumentException("value must be in [0, 255], but was " + value);
            }
        }
    }

    /** Creates a transform with torchvision's defaults: half of the images, 2 to 33 % of the area, black. */
    public RandomErasing() {
        this(0.5, new Range(0.02, 0.33), new Range(0.3, 3.3), 0, 0, 0);
    }

    /** A rectangle in an image, in pixels. */
    record Box(int x, int y, int width, int height) {}

    @Override
    public Mat apply(Mat image, RandomGenerator random) {
        Images.requireRgb(image);
        Optional<Box> box = random.nextDouble() < p ? draw(image.cols(), image.rows(), random) : Optional.empty();
        return box.isEmpty() ? image.clone() : erase(image, box.get(), red, green, blue);
    }

    /** Draws a rectangle; empty if ten draws in a row do not fit into the image. */
    Optional<Box> draw(int width, int height, RandomGenerator random) {
        for (int i = 0; i < TRIES; i++) {
            double area = (double) width * height * scale.draw(random);
            double aspect = ratio.drawLogUniform(random);
            int h = (int) Math.rint(Math.sqrt(area * aspect));
            int w = (int) Math.rint(Math.sqrt(area / aspect));
            if (h < height && w < width) {
                int y = random.nextInt(height - h + 1);
                int x = random.nextInt(width - w + 1);
                return Optional.of(new Box(x, y, w, h));
            }
        }
        return Optional.empty();
    }

    /** Returns the image with a rectangle of one color; OpenCV rejects a rectangle that reaches beyond the image. */
    static Mat erase(Mat image, Box box, int red, int green, int blue) {
        Mat result = image.clone();
        if (box.width() > 0 && box.height() > 0) {
            try (Rect place = new Rect(box.x(), box.y(), box.width(), box.height());
                    Mat view = new Mat(result, place);
                    Scalar color = new Scalar(red, green, blue, 0);
                    Mat painted = view.put(color)) {
                return result;
            }
        }
        return result;
    }

    @Override
    public String toString() {
        return "RandomErasing(p=" + p + ", scale=" + scale + ", ratio=" + ratio + ", value=(" + red + ", " + green
                + ", " + blue + "))";
    }
}
