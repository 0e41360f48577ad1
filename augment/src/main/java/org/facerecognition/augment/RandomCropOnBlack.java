package org.facerecognition.augment;

import java.util.random.RandomGenerator;
import org.bytedeco.opencv.opencv_core.Mat;
import org.bytedeco.opencv.opencv_core.Rect;
import org.bytedeco.opencv.opencv_core.Scalar;

/**
 * Keeps a random part of the image in its place and makes everything around it black: the crop of AdaFace (Kim et al.,
 * CVPR 2022, arXiv 2204.00964, section 4.1) and its code. Unlike {@link RandomResizedCrop}, which draws the part in the
 * same way, it does not enlarge the part, so an aligned face stays aligned.
 *
 * @param scale the area of the part as a fraction of the image's, in (0, 1]; 0.2 to 1 in AdaFace
 * @param ratio the width of the part divided by its height, positive; drawn log-uniformly
 */
public record RandomCropOnBlack(Range scale, Range ratio) implements Transform {

    public RandomCropOnBlack {
        RandomResizedCrop.require(scale, ratio);
    }

    /** Creates a transform with AdaFace's ranges: at least a fifth of the area, 3:4 to 4:3. */
    public RandomCropOnBlack() {
        this(new Range(0.2, 1), new Range(3 / 4.0, 4 / 3.0));
    }

    @Override
    public Mat apply(Mat image, RandomGenerator random) {
        Images.requireRgb(image);
        return keep(image, draw(image.cols(), image.rows(), random));
    }

    /** Draws the part that is kept. */
    RandomErasing.Box draw(int width, int height, RandomGenerator random) {
        return new RandomResizedCrop(scale, ratio).draw(width, height, random);
    }

    /**
     * Returns a black image with a part of this one in the same place; OpenCV rejects a part that reaches beyond the
     * image.
     */
    static Mat keep(Mat image, RandomErasing.Box part) {
        try (Rect place = new Rect(part.x(), part.y(), part.width(), part.height());
                Mat kept = new Mat(image, place);
                Scalar black = new Scalar(0, 0, 0, 0)) {
            Mat result = new Mat(image.rows(), image.cols(), image.type(), black);
            try (Mat target = new Mat(result, place)) {
                kept.copyTo(target);
            }
            return result;
        }
    }

    @Override
    public String toString() {
        return "RandomCropOnBlack(scale=" + scale + ", ratio=" + ratio + ")";
    }
}
