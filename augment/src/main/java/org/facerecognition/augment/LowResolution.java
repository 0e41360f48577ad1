package org.facerecognition.augment;

import static org.bytedeco.opencv.global.opencv_imgproc.INTER_AREA;
import static org.bytedeco.opencv.global.opencv_imgproc.INTER_CUBIC;
import static org.bytedeco.opencv.global.opencv_imgproc.INTER_LANCZOS4;
import static org.bytedeco.opencv.global.opencv_imgproc.INTER_LINEAR;
import static org.bytedeco.opencv.global.opencv_imgproc.INTER_NEAREST;

import java.util.random.RandomGenerator;
import org.bytedeco.opencv.global.opencv_imgproc;
import org.bytedeco.opencv.opencv_core.Mat;
import org.bytedeco.opencv.opencv_core.Size;

/**
 * Makes the image as poor as one taken from afar: down to a share of its size and up again, each by a way drawn from
 * five. After AdaFace (Kim et al., CVPR 2022, arXiv 2204.00964, section 4.1) and its code, which makes the small image
 * square; here it has the image's own shape, which is the same for a square image.
 *
 * @param scale of the sides, in (0, 1]; AdaFace's is 0.2 to 1
 */
public record LowResolution(Range scale) implements Transform {
    private static final int[] WAYS = {INTER_NEAREST, INTER_LINEAR, INTER_AREA, INTER_CUBIC, INTER_LANCZOS4};

    public LowResolution {
        if (!(scale.min() > 0 && scale.max() <= 1)) {
            throw new IllegalArgumentException("scale must be in (0, 1], but was " + scale);
        }
    }

    /** AdaFace's: to a fifth at worst. */
    public LowResolution() {
        this(new Range(0.2, 1));
    }

    @Override
    public Mat apply(Mat image, RandomGenerator random) {
        Images.requireRgb(image);
        double side = scale.draw(random);
        int down = WAYS[random.nextInt(WAYS.length)];
        int up = WAYS[random.nextInt(WAYS.length)];
        return lower(image, side, down, up);
    }

    /** @param down and {@code up}: OpenCV's interpolations */
    private static Mat lower(Mat image, double scale, int down, int up) {
        int width = Math.max(1, (int) (image.cols() * scale));
        int height = Math.max(1, (int) (image.rows() * scale));
        try (Size small = new Size(width, height);
                Size full = image.size();
                Mat poor = new Mat()) {
            Mat result = new Mat();
            opencv_imgproc.resize(image, poor, small, 0, 0, down);
            opencv_imgproc.resize(poor, result, full, 0, 0, up);
            return result;
        }
    }

    @Override
    public String toString() {
        return "LowResolution(scale=" + scale + ")";
    }
}
