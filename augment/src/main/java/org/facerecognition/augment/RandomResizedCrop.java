package org.facerecognition.augment;

import static org.bytedeco.opencv.global.opencv_imgproc.INTER_LINEAR;

import java.util.random.RandomGenerator;
import org.bytedeco.opencv.global.opencv_imgproc;
import org.bytedeco.opencv.opencv_core.Mat;
import org.bytedeco.opencv.opencv_core.Rect;
import org.bytedeco.opencv.opencv_core.Size;

/**
 * Crops a random part of the image and resizes it to the size of the image: torchvision's {@code RandomResizedCrop}
 * with that size and its default, bilinear interpolation.
 *
 * @param scale the area of the part as a fraction of the image's, in (0, 1]
 * @param ratio the width of the part divided by its height, positive; drawn log-uniformly
 */
public record RandomResizedCrop(Range scale, Range ratio) implements Transform {
    private static final int TRIES = 10; // torchvision's

    public RandomResizedCrop {
        require(scale, ratio);
    }

    /**
     * Checks the ranges of a crop.
     *
     * @throws IllegalArgumentException unless a part can be drawn with this scale and ratio
     */
    static void require(Range scale, Range ratio) {
        if (!(scale.min() > 0 && scale.max() <= 1)) {
            throw new IllegalArgumentException("scale must be in (0, 1], but was " + scale);
        }
        if (!(ratio.min() > 0)) {
            throw new IllegalArgumentException("ratio must be positive, but was " + ratio);
        }
    }

    /** Creates a transform with torchvision's defaults. */
    public RandomResizedCrop() {
        this(new Range(0.08, 1), new Range(3 / 4.0, 4 / 3.0));
    }

    @Override
    public Mat apply(Mat image, RandomGenerator random) {
        Images.requireRgb(image);
        return crop(image, draw(image.cols(), image.rows(), random));
    }

    /**
     * Draws the part. If ten draws in a row do not fit into the image, it is the central part that is as large as the
     * ratio allows.
     */
    RandomErasing.Box draw(int width, int height, RandomGenerator random) {
        for (int i = 0; i < TRIES; i++) {
            double area = (double) width * height * scale.draw(random);
            double aspect = ratio.drawLogUniform(random);
            int w = (int) Math.rint(Math.sqrt(area * aspect));
            int h = (int) Math.rint(Math.sqrt(area / aspect));
            if (0 < w && w <= width && 0 < h && h <= height) {
                int y = random.nextInt(height - h + 1);
                int x = random.nextInt(width - w + 1);
                return new RandomErasing.Box(x, y, w, h);
            }
        }
        double imageRatio = (double) width / height;
        int w = imageRatio > ratio.max() ? Math.max(1, (int) Math.rint(height * ratio.max())) : width;
        int h = imageRatio < ratio.min() ? Math.max(1, (int) Math.rint(width / ratio.min())) : height;
        return new RandomErasing.Box((width - w) / 2, (height - h) / 2, w, h);
    }

    private static Mat crop(Mat image, RandomErasing.Box box) {
        try (Rect place = new Rect(box.x(), box.y(), box.width(), box.height());
                Mat part = new Mat(image, place);
                Size size = image.size()) {
            Mat result = new Mat();
            opencv_imgproc.resize(part, result, size, 0, 0, INTER_LINEAR);
            return result;
        }
    }

    @Override
    public String toString() {
        return "RandomResizedCrop(scale=" + scale + ", ratio=" + ratio + ")";
    }
}
