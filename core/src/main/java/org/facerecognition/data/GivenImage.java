package org.facerecognition.data;

import java.util.function.Supplier;
import org.bytedeco.opencv.opencv_core.Mat;

/** A picture that a program has at hand, decoded. */
record GivenImage(Supplier<Mat> pixels) implements ImageSource {
    @Override
    public String name() {
        return GIVEN;
    }

    @Override
    public Mat read() {
        return pixels.get();
    }
}
