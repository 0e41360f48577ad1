package org.facerecognition.weights;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import org.facerecognition.io.AtomicFile;
import org.facerecognition.io.LockedException;
import org.facerecognition.io.WriterLock;

/**
 * A folder of downloaded weights. A file is downloaded under a temporary name ({@code .part}), its checksum is
 * verified, and it is moved into place atomically, so that the cache never holds an incomplete or unverified file. An
 * interrupted download is resumed. Beside each file, a {@code .json} file records where it came from and under which
 * license.
 *
 * <p>Several threads and processes may use a cache at the same time. Nothing is downloaded unless {@link #fetch} is
 * called.
 */
public final class WeightsCache {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String FOLDER_VARIABLE = "FACE_RECOGNITION_CACHE";
    private static final String NO_HOME = "?"; // what Java says of a user id without an account

    private final Path folder;

    /** @param folder created when it does not exist */
    public WeightsCache(Path folder) {
        this.folder = folder;
    }

    /**
     * Returns the user's cache: the folder named by the environment variable {@code FACE_RECOGNITION_CACHE}, or {@code
     * ~/.cache/face-recognition} by default.
     *
     * @throws WeightsException when the variable is not set and the user has no home
     */
    public static WeightsCache standard() {
        String chosen = System.getenv(FOLDER_VARIABLE);
        if (chosen != null && !chosen.isBlank()) {
            return new WeightsCache(Path.of(chosen));
        }
        String home = System.getProperty("user.home", "");
        if (home.isBlank() || home.equals(NO_HOME)) {
            throw new WeightsException("there is no folder for downloaded weights, because this user has no home; name"
                    + " one with the environment variable " + FOLDER_VARIABLE);
        }
        return new WeightsCache(Path.of(home, ".cache", "face-recognition"));
    }

    /** Returns the cache's folder, which may not exist yet. */
    public Path folder() {
        return folder;
    }

    /**
     * Returns the file in the cache, and downloads it first when it is not there or its checksum differs.
     *
     * @return the path of a file in the cache with the requested checksum
     * @throws WeightsException when the file cannot be downloaded, in which case the bytes received so far are kept for
     *     the next attempt, or when its checksum differs, in which case they are deleted
     */
    public Path fetch(RemoteFile remote, FetchListener listener) {
        Path file = folder.resolve(remote.sha256().substring(0, 8)).resolve(remote.fileName());
        try {
            if (isThere(file, remote)) { // also where nothing can be written
                return file;
            }
            try (WriterLock lock = WriterLock.await(file.resolveSibling(".lock"), "a download of weights")) {
                if (!isThere(file, remote)) {
                    listener.begins(remote);
                    fetchTo(file, remote, listener);
                }
            }
            return file;
        } catch (InterruptedIOException | ClosedByInterruptException e) {
            throw new WeightsException("the download of " + remote.address() + " was interrupted; fetch it again", e);
        } catch (IOException e) {
            throw new WeightsException(
                    "cannot save " + remote.address() + " in " + file.getParent() + ": " + AtomicFile.reason(e)
                            + (e instanceof LockedException // which says what to do
                                    ? ""
                                    : "; free some space there or choose another cache folder"),
                    e);
        }
    }

    private static boolean isThere(Path file, RemoteFile remote) throws IOException {
        return Files.exists(file) && sha256(file).startsWith(remote.sha256());
    }

    private static void fetchTo(Path file, RemoteFile remote, FetchListener listener) throws IOException {
        Path part = file.resolveSibling(file.getFileName() + ".part");
        boolean resumed = Files.exists(part);
        String sum = resumed ? sha256(part) : "";
        if (!sum.startsWith(remote.sha256())) { // a whole one is left where the process ended before it was moved
            Download.to(part, remote, listener);
            sum = sha256(part);
        }
        if (resumed && !sum.startsWith(remote.sha256())) { // the partial file was of something else
            Files.delete(part);
            Download.to(part, remote, listener);
            sum = sha256(part);
        }
        if (!sum.startsWith(remote.sha256())) {
            long size = Files.size(part);
            Files.delete(part);
            throw new WeightsException(remote.address() + " must have the sha256 " + remote.sha256() + ", but the "
                    + size + " bytes received have " + sum
                    + ", so nothing was kept; check the address and the checksum");
        }
        Map<String, String> origin = new LinkedHashMap<>();
        origin.put("address", remote.address().toString());
        origin.put("sha256", sum);
        origin.put("license", remote.license());
        origin.put("fetched", Instant.now().toString());
        AtomicFile.write(record(file), JSON.writerWithDefaultPrettyPrinter().writeValueAsBytes(origin));
        AtomicFile.move(part, file);
    }

    private static Path record(Path file) {
        return file.resolveSibling(file.getFileName() + ".json");
    }

    /** Returns where a file of the cache came from and under which license; empty for any other file. */
    static Map<String, String> origin(Path file) {
        Map<String, String> origin = new LinkedHashMap<>();
        Path record = record(file);
        if (Files.exists(record)) {
            try {
                JsonNode root = JSON.readTree(record.toFile());
                // "licence" is the former name of "license"
                for (String key : new String[] {"address", "sha256", "license", "licence", "fetched"}) {
                    if (root.path(key).isTextual()) {
                        origin.put(key, root.get(key).asText());
                    }
                }
            } catch (IOException e) {
                return Map.of(); // it is not a record of this cache, but another program's
            }
        }
        return origin;
    }

    private static String sha256(Path file) throws IOException {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            try (InputStream in = new DigestInputStream(Files.newInputStream(file), digest)) {
                byte[] buffer = new byte[1 << 16];
                while (in.read(buffer) >= 0) {}
            }
            return HexFormat.of().formatHex(digest.digest());
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java runtime must provide SHA-256, but this one does not", e);
        }
    }
}
