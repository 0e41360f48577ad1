package org.facerecognition.spark;

import java.io.EOFException;
import java.io.File;
import java.io.FileInputStream;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.LocalFileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.Row;
import org.bytedeco.opencv.opencv_core.Mat;
import org.facerecognition.data.DataException;
import org.facerecognition.data.ImageReader;
import org.facerecognition.data.ImageSource;
import org.facerecognition.gallery.ContentKey;
import org.jspecify.annotations.Nullable;

/**
 * The image of a row: the bytes of an image file, or the path of one, which is read by the thread that decodes it.
 * Read once.
 */
final class RowImage implements ImageSource {
    private static final int MAX_ARRAY = Integer.MAX_VALUE - 8;

    private final Row row;
    private final @Nullable String path;
    private final Configuration hadoop;
    private byte @Nullable [] content;
    private volatile @Nullable String contentKey;

    /**
     * @param path in any file system of Hadoop's; the image's name where there is content
     * @param content null if the file is to be read
     */
    RowImage(Row row, @Nullable String path, byte @Nullable [] content, Configuration hadoop) {
        this.row = row;
        this.path = path;
        this.content = content;
        this.hadoop = hadoop;
    }

    Row row() {
        return row;
    }

    /** Returns the key of the image's content; null if it could not be read. */
    @Nullable
    String contentKey() {
        return contentKey;
    }

    @Override
    public String name() {
        return path == null ? GIVEN : path;
    }

    @Override
    public Mat read() {
        return ImageReader.decode(bytes(), name());
    }

    @Override
    public Reduced readReduced(int minPx) {
        byte[] bytes = bytes();
        Reduced read = ImageSource.of(bytes, name()).readReduced(minPx);
        content = read.factor() > 1 ? bytes : null; // it may be read once more
        return read;
    }

    private byte[] bytes() {
        byte[] bytes = content == null ? file() : content;
        content = null; // many rows wait behind this one
        contentKey = ContentKey.of(bytes);
        return bytes;
    }

    private byte[] file() {
        if (path == null) {
            throw new DataException("the row must have a path or content, but both are null");
        }
        try {
            Path file = new Path(path);
            FileSystem system = file.getFileSystem(hadoop);
            @Nullable File local = withoutChecksums(file, system);
            try (InputStream in = local == null ? system.open(file) : new FileInputStream(local)) {
                long length = local == null ? system.getFileStatus(file).getLen() : local.length();
                byte[] bytes = new byte[size(length)];
                if (in.readNBytes(bytes, 0, bytes.length) < bytes.length) {
                    throw new EOFException("it was shortened while it was read");
                }
                return bytes;
            }
        } catch (FileNotFoundException e) {
            throw new DataException("image " + path + " does not exist or cannot be opened", e);
        } catch (IOException | IllegalArgumentException | UnsupportedOperationException e) {
            throw new DataException("image " + path + " cannot be read: " + firstLine(e), e);
        }
    }

    /**
     * Returns the file itself if it is on this machine, which spares the work of Hadoop's streams.
     *
     * @return null if Hadoop must read it, also where it has checksums of it
     */
    private static @Nullable File withoutChecksums(Path file, FileSystem system) {
        if (system.getClass() != LocalFileSystem.class) {
            return null;
        }
        LocalFileSystem local = (LocalFileSystem) system;
        return local.pathToFile(local.getChecksumFile(file)).exists() ? null : local.pathToFile(file);
    }

    private int size(long bytes) {
        long max = Math.min(MAX_ARRAY, Runtime.getRuntime().maxMemory() / 2);
        if (bytes > max) {
            throw new DataException("image " + path + " must have at most " + max
                    + " bytes, half of the executor's Java heap, but has " + bytes
                    + "; save it as a JPEG, or give executors more memory");
        }
        return (int) bytes;
    }

    private static String firstLine(Exception e) {
        return String.valueOf(e.getMessage()).lines().findFirst().orElse(e.toString());
    }
}
