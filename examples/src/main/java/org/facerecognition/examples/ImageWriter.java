package org.facerecognition.examples;

import static org.bytedeco.opencv.global.opencv_imgcodecs.haveImageWriter;
import static org.bytedeco.opencv.global.opencv_imgcodecs.imencode;
import static org.bytedeco.opencv.global.opencv_imgproc.COLOR_RGB2BGR;
import static org.bytedeco.opencv.global.opencv_imgproc.cvtColor;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.opencv.opencv_core.Mat;
import org.facerecognition.io.AtomicFile;

/** Writes images of this library, RGB, to files. */
final class ImageWriter {
    private ImageWriter() {}

    /**
     * Writes an image; a former file is replaced atomically.
     *
     * @param file whose ending says the format
     * @throws IllegalArgumentException when it has an ending of no format
     * @throws UncheckedIOException when it cannot be written
     */
    static void write(Mat rgb, Path file) {
        String name = file.getFileName().toString();
        if (!haveImageWriter(name)) {
            throw new IllegalArgumentException("an image file must have an ending like .png or .jpg, but was " + file);
        }
        try {
            AtomicFile.writeUnsynced(file, encoded(rgb, name.substring(name.lastIndexOf('.'))));
        } catch (IOException e) {
            throw new UncheckedIOException(AtomicFile.cannotWrite(file, e), e);
        }
    }

    private static byte[] encoded(Mat rgb, String ending) {
        try (Mat bgr = new Mat();
                BytePointer encoded = new BytePointer()) {
            cvtColor(rgb, bgr, COLOR_RGB2BGR);
            if (!imencode(ending, bgr, encoded)) {
                throw new IllegalStateException("cannot encode an image as " + ending);
            }
            byte[] bytes = new byte[Math.toIntExact(encoded.limit())];
            encoded.get(bytes);
            return bytes;
        }
    }
}
