package org.facerecognition.spark;

import java.io.IOException;
import java.io.Serializable;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import org.facerecognition.gallery.ContentKey;
import org.facerecognition.weights.WeightsException;

/**
 * A file that executors get from the driver. It is broadcast: of files that {@code SparkContext.addFile} has added, the
 * tasks of a Dataset see none when Spark 4.1 isolates the artifacts of sessions.
 *
 * @param name of the copies: what the file is, and its extension
 * @param key digest of the content, since every training calls its model {@code best.ckpt}
 * @param content the bytes
 */
record SharedFile(String name, String key, Broadcast<byte[]> content) implements Serializable {
    private static final int MAX_BYTES = Integer.MAX_VALUE - 1024;
    private static final Pattern EXTENSION = Pattern.compile("\\.[A-Za-z0-9]{1,16}$");

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
                        + Files.size(file) + " bytes; a checkpoint can be exported with --format onnx, without what"
                        + " only its training needs");
            }
            byte[] bytes = Files.readAllBytes(file);
            return new SharedFile(name(file, what), ContentKey.of(bytes), context.broadcast(bytes));
        } catch (IOException e) {
            throw new UncheckedIOException("the " + what + " " + file + " cannot be read: " + e.getMessage(), e);
        }
    }

    /** Executors may have no locale that can write the file's own name. */
    private static String name(Path file, String what) {
        Matcher extension = EXTENSION.matcher(String.valueOf(file.getFileName()));
        return what + (extension.find() ? extension.group() : "");
    }

    /**
     * Opens a copy on the driver, as executors do, so that what they cannot open is found there.
     *
     * @param file that was read
     * @return owned
     * @throws WeightsException when the file can be opened and a copy of it cannot
     * @throws RuntimeException what opening the file throws, which names it
     */
    <T> T tryOut(Path file, Function<Path, T> opening, Consumer<T> closing) {
        return open(copy -> {
            try {
                return opening.apply(copy);
            } catch (RuntimeException e) {
                closing.accept(opening.apply(file));
                throw new WeightsException(
                        file + " must be complete in itself, because executors get this file alone, but a copy of it"
                                + " elsewhere cannot be opened; if it is an ONNX model, store it without external data",
                        e);
            }
        });
    }

    /** Opens the file from a copy that exists only meanwhile. */
    <T> T open(Function<Path, T> opening) {
        Path folder = written(() -> Files.createTempDirectory("face-recognition-"));
        Path copy = folder.resolve(name);
        try {
            return opening.apply(written(() -> Files.write(copy, content.value())));
        } finally {
            delete(copy);
            delete(folder);
        }
    }

    private interface Writing {
        Path write() throws IOException;
    }

    private Path written(Writing writing) {
        try {
            return writing.write();
        } catch (IOException e) {
            throw new UncheckedIOException(
                    "the " + name + " cannot be written to the temporary folder: " + e.getMessage(), e);
        }
    }

    private static void delete(Path file) {
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            // what was opened from it is of use nonetheless
        }
    }
}
