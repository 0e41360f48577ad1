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

/** Writes RGB images, as this library holds them, to files. */
final class ImageWriter {
    private ImageWriter() {}

    /**
     * Writes an image; an existing file is replaced atomically.
     *
     * @param rgb borrowed
     * @param file the extension decides the format
     * @throws IllegalArgumentException when the extension is not that of a known format
     * @throws UncheckedIOException when the file cannot be written
     */
    static void write(Mat rgb, Path file) {
        String name = file.getFileName().toString();
        if (!haveImageWriter(name)) {
            throw new IllegalArgumentException(
                    "an image file must have an extension such as .png or .jpg, but was " + file);
        }
        try {
            AtomicFile.writeUnsynced(file, encoded(rgb, name.substring(name.lastIndexOf('.'))));
        } catch (IOException e) {
            throw new UncheckedIOException(AtomicFile.cannotWrite(file, e), e);
        }
    }

    private static byte[] encoded(Mat rgb, String extension) {
        try (Mat bgr = new Mat();
                BytePointer encoded = new BytePointer()) {
            cvtColor(rgb, bgr, COLOR_RGB2BGR);
            if (!imencode(extension, bgr, encoded)) {
                throw new IllegalStateException("cannot encode an image as " + extension);
            }
            byte[] bytes = new byte[Math.toIntExact(encoded.limit())];
            encoded.get(bytes);
            return bytes;
        }
    }
}
