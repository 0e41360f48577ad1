package org.facerecognition.data;

import java.util.function.Supplier;
import org.bytedeco.opencv.opencv_core.Mat;
import org.facerecognition.vision.OpenCvThreads;

/**
 * A decoded image in the memory of the program.
 *
 * @param pixels returns the image as a Mat that the caller owns
 */
record GivenImage(Supplier<Mat> pixels) implements ImageSource {
    @Override
    public String name() {
        return GIVEN;
    }

    /** @throws IllegalArgumentException when the image is empty, too large, or not RGB, CV_8UC3 */
    @Override
    public Mat read() {
        OpenCvThreads.bound(); // the program may have loaded another part of it
        Mat image = pixels.get();
        try {
            RgbImages.require(image);
            return image;
        } catch (IllegalArgumentException e) {
            image.close();
            throw e;
        }
    }

    /** Returns a checksum of the pixels, without encoding them. */
    @Override
    public long contentChecksum() {
        try (Mat image = read()) {
            return 31 * Checksum.of(ImageReader.pixels(image)) + Checksum.of(image.cols() + "x" + image.rows());
        }
    }
}
