package org.facerecognition.spark;

import java.io.IOException;
import java.io.Serializable;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Function;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import org.facerecognition.gallery.ContentKey;
import org.facerecognition.weights.WeightsException;

/**
 * A file that executors get from the driver. It is broadcast: of files that {@code SparkContext.addFile} has added, the
 * tasks of a Dataset see none when Spark 4.1 isolates the artifacts of sessions.
 *
 * @param name of the file
 * @param key digest of the content, since every training calls its model {@code best.ckpt}
 * @param content the bytes
 */
record SharedFile(String name, String key, Broadcast<byte[]> content) implements Serializable {
    private static final int MAX_BYTES = Integer.MAX_VALUE - 1024;

    /**
     * Reads a file on the driver.
     *
     * @param what names it in messages
     * @throws WeightsException when there is no such file, or it is too large
     */
    static SharedFile read(JavaSparkContext context, Path file, String what) {
        if (!Files.isRegularFile(file)) {
            throw new WeightsException(
                    "the " + what + " must be a file on the driver's machine, but " + file + " is not");
        }
        try {
            if (Files.size(file) > MAX_BYTES) {
                throw new WeightsException("the " + what + " " + file + " must have less than 2 GiB, but has "
                        + Files.size(file) + " bytes");
            }
            byte[] bytes = Files.readAllBytes(file);
            return new SharedFile(String.valueOf(file.getFileName()), ContentKey.of(bytes), context.broadcast(bytes));
        } catch (IOException e) {
            throw new UncheckedIOException("the " + what + " " + file + " cannot be read: " + e.getMessage(), e);
        }
    }

    /** Opens the file on an executor, from a copy that exists only meanwhile. */
    <T> T open(Function<Path, T> opening) {
        try {
            Path folder = Files.createTempDirectory("face-recognition-");
            Path copy = folder.resolve(name);
            try {
                return opening.apply(Files.write(copy, content.value()));
            } finally {
                Files.deleteIfExists(copy);
                Files.delete(folder);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(
                    "the executor cannot write " + name + " to its temporary folder: " + e.getMessage(), e);
        }
    }
}
