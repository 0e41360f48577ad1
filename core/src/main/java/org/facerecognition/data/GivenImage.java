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

    /** Of the pixels, without encoding them. */
    @Override
    public long contentChecksum() {
        try (Mat image = pixels.get();
                Mat dense = image.clone()) {
            byte[] bytes = new byte[Math.toIntExact(dense.total() * dense.elemSize())];
            dense.data().get(bytes);
            return 31 * Checksum.of(bytes) + Checksum.of(image.cols() + "x" + image.rows());
        }
    }
}
