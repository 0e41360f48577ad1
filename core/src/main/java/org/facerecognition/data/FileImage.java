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

    /** Passes on an image with the bytes of the file; a large file is read again later instead of being kept. */
    @Override
    public <R> R readOnce(BiFunction<ImageSource, ImageSource, R> reader) {
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

    String fileName() {
        return path.substring(path.lastIndexOf('/') + 1);
    }

    Path file() {
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
