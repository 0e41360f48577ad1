package org.facerecognition.examples;

import static org.bytedeco.opencv.global.opencv_imgcodecs.haveImageWriter;
import static org.bytedeco.opencv.global.opencv_imgcodecs.imencode;
import static org.bytedeco.opencv.global.opencv_imgproc.COLOR_RGB2BGR;
import static org.bytedeco.opencv.global.opencv_imgproc.cvtColor;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.opencv.opencv_core.Mat;
import org.facerecognition.data.DataException;
import org.facerecognition.io.AtomicFile;
import org.facerecognition.natives.NativeErrors;
import org.jspecify.annotations.Nullable;

/** Writes RGB images, as this library holds them, to files. */
final class ImageWriter {
    private ImageWriter() {}

    /**
     * Writes an image; an existing file is replaced atomically.
     *
     * @param rgb borrowed
     * @param file the extension decides the format
     * @throws IllegalArgumentException when the extension is not that of a known format
     * @throws IllegalStateException when the format cannot hold the image, as one that is too large for it
     * @throws UncheckedIOException when the file cannot be written
     */
    static void write(Mat rgb, Path file) {
        byte[] encoded = encoded(rgb, file);
        try {
            AtomicFile.writeUnsynced(file, encoded);
        } catch (IOException e) {
            throw new UncheckedIOException(AtomicFile.cannotWrite(file, e), e);
        }
    }

    /**
     * Writes one of the images that a command makes of many; an existing file is replaced atomically.
     *
     * @param rgb borrowed
     * @param file below {@code folder}; the extension decides the format
     * @param folder of all results
     * @param image of which it is made, for messages
     * @throws DataException when this file cannot be written but others can: its format cannot hold the image, the file
     *     system rejects its name, its folder is closed, or something else has its name
     * @throws UncheckedIOException when none can be written, as on a full disk
     */
    static void write(Mat rgb, Path file, Path folder, Path image) {
        byte[] encoded;
        try {
            encoded = encoded(rgb, file);
        } catch (IllegalStateException e) {
            throw new DataException("image " + image + " lacks a result: " + e.getMessage(), e);
        }
        try {
            AtomicFile.writeUnsynced(file, encoded);
        } catch (IOException e) {
            if (!canWrite(file.getParent(), encoded) && !canWrite(folder, encoded)) {
                throw new UncheckedIOException(AtomicFile.cannotWrite(file, e), e);
            }
            throw new DataException(
                    "image " + image + " lacks a result, since " + file + " cannot be written: " + AtomicFile.reason(e)
                            + "; rename the image, remove what is in the way, or choose another folder",
                    e);
        }
    }

    /** Returns whether a file with this content can be written in a folder under a plain name; none is left there. */
    private static boolean canWrite(@Nullable Path folder, byte[] content) {
        try {
            Path probe = Files.createTempFile(folder == null ? Path.of("") : folder, ".probe", ".tmp");
            try {
                Files.write(probe, content);
                return true;
            } finally {
                Files.delete(probe);
            }
        } catch (IOException e) {
            return false;
        }
    }

    private static byte[] encoded(Mat rgb, Path file) {
        String name = file.getFileName().toString();
        if (!haveImageWriter(name)) {
            throw new IllegalArgumentException(
                    "an image file must have an extension such as .png or .jpg, but was " + file);
        }
        String extension = name.substring(name.lastIndexOf('.'));
        try (Mat bgr = new Mat();
                BytePointer encoded = new BytePointer()) {
            cvtColor(rgb, bgr, COLOR_RGB2BGR);
            if (!imencode(extension, bgr, encoded)) {
                throw cannotEncode(rgb, extension, null);
            }
            byte[] bytes = new byte[Math.toIntExact(encoded.limit())];
            encoded.get(bytes);
            return bytes;
        } catch (RuntimeException e) {
            throw e.getClass() == RuntimeException.class // as JavaCPP throws for a C++ exception
                    ? cannotEncode(rgb, extension, e)
                    : e;
        }
    }

    private static IllegalStateException cannotEncode(Mat rgb, String extension, @Nullable RuntimeException why) {
        return new IllegalStateException(
                "an image of " + rgb.cols() + " x " + rgb.rows() + " pixels cannot be encoded as " + extension
                        + (why == null ? "" : ": " + NativeErrors.reason(why)),
                why);
    }
}
