package org.facerecognition.data;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.function.BiFunction;
import org.bytedeco.opencv.opencv_core.Mat;
import org.facerecognition.io.AtomicFile;
import org.facerecognition.io.FileNames;

/**
 * An image file of a data set.
 *
 * @param root folder of the data set
 * @param path of the file, relative to {@code root}; also the image's name
 */
record FileImage(Path root, String path) implements ImageSource {
    @Override
    public String name() {
        return path;
    }

    @Override
    public Mat read() {
        return ImageReader.read(file());
    }

    @Override
    public Reduced readReduced(int minPx) {
        return ImageReader.readReduced(file(), minPx);
    }

    /**
     * Reads the file once, for a reader that may decode it twice.
     *
     * @param reader receives an image with the bytes of the file, and the image to decode later: the same, or for a
     *     large file, whose bytes should not be kept that long, this one
     * @return its result
     * @throws DataException when the file cannot be read
     */
    <R> R readOnce(BiFunction<ImageSource, ImageSource, R> reader) {
        Path file = file();
        return FileBytes.use(file, bytes -> {
            ImageSource once = new EncodedBytes(bytes, file.toString());
            return reader.apply(once, FileBytes.isLarge(bytes) ? this : once);
        });
    }

    @Override
    public long contentBytes() {
        try {
            return Files.size(file());
        } catch (IOException e) {
            throw unreadable(e);
        }
    }

    @Override
    public long contentChecksum() {
        try {
            return Checksum.of(file());
        } catch (IOException e) {
            throw unreadable(e);
        }
    }

    private Path file() {
        try {
            return root.resolve(path);
        } catch (InvalidPathException e) { // a name that this process cannot write either
            throw new DataException("image " + path + " cannot be opened: " + FileNames.remedy(), e);
        }
    }

    private DataException unreadable(IOException e) {
        return new DataException("image " + path + " cannot be read: " + AtomicFile.reason(e), e);
    }

    @Override
    public byte[] encoded() {
        return FileBytes.use(file(), bytes -> bytes);
    }
}
