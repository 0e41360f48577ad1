package org.facerecognition.data;

import org.bytedeco.opencv.opencv_core.Mat;
import org.facerecognition.vision.Pixels;

/** Checks images that a program passes in, since other layouts would silently be read as other pixels. */
final class RgbImages {
    private RgbImages() {}

    /**
     * Requires a valid image.
     *
     * @throws IllegalArgumentException unless the image is RGB, CV_8UC3, not empty, and has at most {@link
     *     ImageReader#MAX_PIXELS}
     */
    static void require(Mat image) {
        Pixels.require(image);
        if (image.total() > ImageReader.MAX_PIXELS) {
            throw new IllegalArgumentException("image must have at most " + ImageReader.MAX_PIXELS + " pixels, but was "
                    + image.cols() + "x" + image.rows());
        }
    }
}
