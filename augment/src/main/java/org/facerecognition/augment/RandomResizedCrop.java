package org.facerecognition.augment;

import static org.bytedeco.opencv.global.opencv_imgproc.INTER_LINEAR;

import java.util.random.RandomGenerator;
import org.bytedeco.opencv.global.opencv_imgproc;
import org.bytedeco.opencv.opencv_core.Mat;
import org.bytedeco.opencv.opencv_core.Rect;
import org.bytedeco.opencv.opencv_core.Size;

/**
 * Cuts a random part out and brings it to the image's own size: torchvision's {@code RandomResizedCrop}, whose size here is
 * the image's. Bilinear, as torchvision's default.
 *
 * @param scale the part's share of the image's area, in (0, 1]
 * @param ratio its width over its height, positive; drawn evenly in the logarithm
 */
public record RandomResizedCrop(Range scale, Range ratio) implements Transform {
    private static final int TRIES = 10; // torchvision's

    public RandomResizedCrop {
        require(scale, ratio);
    }

    /** @throws IllegalArgumentException unless a part can be drawn with this scale and ratio */
    static void require(Range scale, Range ratio) {
        if (!(scale.min() > 0 && scale.max() <= 1)) {
            throw new IllegalArgumentException("scale must be in (0, 1], but was " + scale);
        }
        if (!(ratio.min() > 0)) {
            throw new IllegalArgumentException("ratio must be positive, but was " + ratio);
        }
    }

    /** torchvision's defaults. */
    public RandomResizedCrop() {
        this(new Range(0.08, 1), new Range(3 / 4.0, 4 / 3.0));
    }

    @Override
    public Mat apply(Mat image, RandomGenerator random) {
        Images.requireRgb(image);
        return crop(image, draw(image.cols(), image.rows(), random));
    }

    /** Where; the middle, as large as the ratio allows, when ten draws in a row do not fit. */
    RandomErasing.Box draw(int width, int height, RandomGenerator random) {
        for (int i = 0; i < TRIES; i++) {
            double area = (double) width * height * scale.draw(random);
            double aspect = ratio.drawLogarithmic(random);
            int w = (int) Math.rint(Math.sqrt(area * aspect));
            int h = (int) Math.rint(Math.sqrt(area / aspect));
            if (0 < w && w <= width && 0 < h && h <= height) {
                int y = random.nextInt(height - h + 1);
                int x = random.nextInt(width - w + 1);
                return new RandomErasing.Box(x, y, w, h);
            }
        }
        double own = (double) width / height;
        int w = own > ratio.max() ? Math.max(1, (int) Math.rint(height * ratio.max())) : width;
        int h = own < ratio.min() ? Math.max(1, (int) Math.rint(width / ratio.min())) : height;
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
