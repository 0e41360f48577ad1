package org.facerecognition.data;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.bytedeco.opencv.opencv_core.Mat;
import org.facerecognition.io.AtomicFile;

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
        return ImageReader.read(root.resolve(path));
    }

    @Override
    public Reduced readReduced(int minPx) {
        return ImageReader.readReduced(root.resolve(path), minPx);
    }

    @Override
    public long contentBytes() {
        try {
            return Files.size(root.resolve(path));
        } catch (IOException e) {
            throw unreadable(e);
        }
    }

    @Override
    public long contentChecksum() {
        try {
            return Checksum.of(root.resolve(path));
        } catch (IOException e) {
            throw unreadable(e);
        }
    }

    private DataException unreadable(IOException e) {
        return new DataException("image " + path + " cannot be read: " + AtomicFile.reason(e), e);
    }

    @Override
    public byte[] encoded() {
        return ImageReader.bytes(root.resolve(path));
    }
}
