package org.facerecognition.data;

import static org.bytedeco.opencv.global.opencv_core.CV_8UC3;

import org.bytedeco.opencv.opencv_core.Mat;

/** Checks images that a program passes in, since other layouts would silently be read as other pixels. */
final class RgbImages {
    private static final String[] DEPTHS = {"8U", "8S", "16U", "16S", "32S", "32F", "64F", "16F"};

    private RgbImages() {}

    /**
     * Requires a valid image.
     *
     * @throws IllegalArgumentException unless the image is RGB, CV_8UC3, not empty, and has at most {@link
     *     ImageReader#MAX_PIXELS}
     */
    static void require(Mat image) {
        if (image.isNull() || image.empty() || image.dims() != 2 || image.type() != CV_8UC3) {
            throw new IllegalArgumentException("image must be RGB, CV_8UC3, but was " + describe(image));
        }
        if (image.total() > ImageReader.MAX_PIXELS) {
            throw new IllegalArgumentException("image must have at most " + ImageReader.MAX_PIXELS + " pixels, but was "
                    + image.cols() + "x" + image.rows());
        }
    }

    /** Describes an image for messages, such as {@code CV_32FC3} or {@code empty}. */
    static String describe(Mat image) {
        if (image.isNull()) {
            return "closed";
        }
        if (image.empty()) {
            return "empty";
        }
        if (image.dims() != 2) {
            return "of " + image.dims() + " dimensions";
        }
        String type = "CV_" + DEPTHS[image.depth()] + "C" + image.channels();
        return image.type() == CV_8UC3 ? type + " of " + image.cols() + "x" + image.rows() : type;
    }
}
