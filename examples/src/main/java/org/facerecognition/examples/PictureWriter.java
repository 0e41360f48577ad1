package org.facerecognition.examples;

import static org.bytedeco.opencv.global.opencv_imgcodecs.imwrite;
import static org.bytedeco.opencv.global.opencv_imgproc.COLOR_RGB2BGR;
import static org.bytedeco.opencv.global.opencv_imgproc.cvtColor;

import java.io.IOException;
import java.nio.file.Path;
import org.bytedeco.opencv.opencv_core.Mat;

/** Writes pictures of this library, RGB, to files. */
final class PictureWriter {
    private PictureWriter() {}

    /** @param file whose ending says the format */
    static void write(Mat rgb, Path file) throws IOException {
        try (Mat bgr = new Mat()) {
            cvtColor(rgb, bgr, COLOR_RGB2BGR);
            if (!imwrite(file.toString(), bgr)) {
                throw new IOException("cannot write " + file);
            }
        }
    }
}
