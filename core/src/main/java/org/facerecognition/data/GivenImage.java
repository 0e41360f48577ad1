package org.facerecognition.data;

import java.util.function.Supplier;
import org.bytedeco.opencv.opencv_core.Mat;

/** An image that a program has at hand, decoded. */
record GivenImage(Supplier<Mat> pixels) implements ImageSource {
    @Override
    public String name() {
        return GIVEN;
    }

    /** @throws IllegalArgumentException when it is empty, too large, or not RGB, CV_8UC3 */
    @Override
    public Mat read() {
        Mat image = pixels.get();
        try {
            RgbImages.require(image);
            return image;
        } catch (IllegalArgumentException e) {
            image.close();
            throw e;
        }
    }

    /** Of the pixels, without encoding them. */
    @Override
    public long contentChecksum() {
        try (Mat image = read()) {
            return 31 * Checksum.of(ImageReader.pixels(image)) + Checksum.of(image.cols() + "x" + image.rows());
        }
    }
}
