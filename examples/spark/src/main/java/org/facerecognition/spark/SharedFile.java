package org.facerecognition.spark;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;
import org.apache.spark.SparkContext;

/**
 * Sends files to all executors, once for each application and content. Spark tells files apart by their names only, and
 * every training calls its model {@code best.ckpt}: so a digest of the content becomes part of the name.
 */
final class SharedFile {
    private static final int DIGEST_BYTES = 8;
    private static final int BUFFER_BYTES = 1 << 16;
    private static final Map<String, String> SENT = new HashMap<>(); // application and path of the copy -> name

    private SharedFile() {}

    /**
     * Sends a file.
     *
     * @return the name under which {@code SparkFiles.get} finds it
     * @throws IllegalArgumentException if there is no such file
     */
    static synchronized String send(SparkContext context, Path file) {
        try {
            String name = digest(file) + "-" + file.getFileName();
            String key = context.applicationId() + "/" + name;
            if (!SENT.containsKey(key)) {
                context.addFile(copy(file, name).toString());
                SENT.put(key, name);
            }
            return name;
        } catch (NoSuchFileException e) {
            throw new IllegalArgumentException("the file " + file + " does not exist on the driver's machine", e);
        } catch (IOException e) {
            throw new UncheckedIOException(
                    "the file " + file + " cannot be sent to the executors: " + e.getMessage(), e);
        }
    }

    /** Executors may ask for the file as long as the application runs. */
    private static Path copy(Path file, String name) throws IOException {
        Path folder = Files.createTempDirectory("face-recognition-");
        Path copy = Files.copy(file, folder.resolve(name));
        folder.toFile().deleteOnExit();
        copy.toFile().deleteOnExit(); // before its folder: the last one that was registered goes first
        return copy;
    }

    private static String digest(Path file) throws IOException {
        try (DigestInputStream in =
                new DigestInputStream(Files.newInputStream(file), MessageDigest.getInstance("SHA-256"))) {
            drain(in);
            return HexFormat.of().formatHex(in.getMessageDigest().digest(), 0, DIGEST_BYTES);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }

    private static void drain(InputStream in) throws IOException {
        byte[] buffer = new byte[BUFFER_BYTES];
        while (in.read(buffer) >= 0) {
            // the stream updates the digest
        }
    }
}
