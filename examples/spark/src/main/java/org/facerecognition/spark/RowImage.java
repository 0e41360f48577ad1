package org.facerecognition.spark;

import java.io.File;
import java.io.FileInputStream;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.util.function.BiFunction;
import java.util.function.Function;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.LocalFileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.Row;
import org.bytedeco.opencv.opencv_core.Mat;
import org.facerecognition.data.DataException;
import org.facerecognition.data.FileBytes;
import org.facerecognition.data.ImageReader;
import org.facerecognition.data.ImageSource;
import org.facerecognition.gallery.ContentKey;
import org.facerecognition.io.FileNames;
import org.jspecify.annotations.Nullable;

/**
 * The image of a row: the bytes of an image file, or the path of one, which is read by the thread that decodes it.
 * Bytes that were given are released when they are read, so that they can be read once.
 */
final class RowImage implements ImageSource {
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
        return use(bytes -> ImageReader.decode(bytes, name()));
    }

    /** Passes on an image with the bytes, which this one does not keep: many rows wait behind it. */
    @Override
    public <R> R readOnce(BiFunction<ImageSource, ImageSource, R> reader) {
        boolean canReadAgain = content == null;
        return use(bytes -> {
            ImageSource once = ImageSource.of(bytes, name());
            return reader.apply(once, canReadAgain && FileBytes.isLarge(bytes) ? this : once);
        });
    }

    private <R> R use(Function<byte[], R> reader) {
        Function<byte[], R> keyed = bytes -> {
            contentKey = ContentKey.of(bytes);
            return reader.apply(bytes);
        };
        byte @Nullable [] given = content;
        if (given != null) {
            content = null;
            return keyed.apply(given);
        }
        if (path == null) {
            throw new DataException("the row must have a path or content, but both are null");
        }
        try {
            Found file = find(path);
            return FileBytes.use(path, file.size(), () -> open(file), keyed);
        } catch (FileNotFoundException e) {
            throw new DataException("image " + path + " does not exist or cannot be opened", e);
        } catch (IOException e) {
            throw unreadable(e);
        }
    }

    /** Opens a file; file systems throw what they like about one of theirs, which is no reason to end the job. */
    private static InputStream open(Found file) throws IOException {
        try {
            return file.opening().open();
        } catch (RuntimeException e) {
            throw new IOException(e);
        }
    }

    /** A file that exists. */
    private record Found(long size, FileBytes.Opening opening) {}

    private Found find(String name) throws IOException {
        try {
            Path file = new Path(name);
            FileSystem system = file.getFileSystem(hadoop);
            if (system.getClass() == LocalFileSystem.class) {
                LocalFileSystem files = (LocalFileSystem) system;
                File local = files.pathToFile(file);
                requireFile(local);
                if (!files.pathToFile(files.getChecksumFile(file)).exists()) { // which Hadoop would compare
                    return new Found(local.length(), () -> new FileInputStream(local));
                }
            }
            FileStatus status = system.getFileStatus(file);
            if (!status.isFile() || status.getLen() < 0) { // as of web servers
                throw new DataException("image " + name + " must be a file of known size, but is not");
            }
            return new Found(status.getLen(), () -> system.open(file));
        } catch (DataException e) {
            throw e;
        } catch (RuntimeException e) { // of paths that a file system does not expect, and of its own mistakes
            throw unreadable(e);
        }
    }

    /** Requires that there is a file: reading a pipe would wait for whoever writes into it. */
    private void requireFile(File local) throws IOException {
        if (local.isFile()) {
            return;
        }
        if (local.exists()) {
            throw new DataException("image " + path + " must be a file, but is a folder or a device");
        }
        if (!FileNames.charset().newEncoder().canEncode(local.getPath())) {
            throw new DataException("image " + path + " cannot be opened: " + FileNames.remedy()
                    + ", for executors with --conf spark.executorEnv.LC_ALL=C.UTF-8");
        }
        throw new FileNotFoundException(local.getPath());
    }

    private DataException unreadable(Exception e) {
        String message = e.getMessage() == null ? e.toString() : e.getMessage();
        return new DataException(
                "image " + path + " cannot be read: "
                        + message.lines().findFirst().orElse(e.toString()),
                e);
    }
}
