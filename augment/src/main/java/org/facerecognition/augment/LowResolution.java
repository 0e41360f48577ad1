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
 * Lowers the resolution of the image, as if it were taken from a distance: downscales it and scales it up again, each
 * with one of five random interpolations. After AdaFace (Kim et al., CVPR 2022, arXiv 2204.00964, section 4.1) and its
 * code. What differs: their small image is square, while here it has the aspect ratio of the image, which is the same
 * for a square image.
 *
 * @param scale the factor of the sides, in (0, 1]; 0.2 to 1 in AdaFace
 */
public record LowResolution(Range scale) implements Transform {
    private static final int[] INTERPOLATIONS = {INTER_NEAREST, INTER_LINEAR, INTER_AREA, INTER_CUBIC, INTER_LANCZOS4};

    public LowResolution {
        if (!(scale.min() > 0 && scale.max() <= 1)) {
            throw new IllegalArgumentException("scale must be in (0, 1], but was " + scale);
        }
    }

    /** Creates a transform with AdaFace's range: at worst a fifth of the sides. */
    public LowResolution() {
        this(new Range(0.2, 1));
    }

    @Override
    public Mat apply(Mat image, RandomGenerator random) {
        Images.requireRgb(image);
        double factor = scale.draw(random);
        int down = INTERPOLATIONS[random.nextInt(INTERPOLATIONS.length)];
        int up = INTERPOLATIONS[random.nextInt(INTERPOLATIONS.length)];
        return lower(image, factor, down, up);
    }

    /**
     * Scales an image down and up again.
     *
     * @param down OpenCV's interpolation for scaling down
     * @param up OpenCV's interpolation for scaling up
     */
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
