package org.facerecognition.weights;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.HttpURLConnection;
import java.net.URLConnection;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Objects;

/**
 * Downloads the bytes at an address into a file, and resumes where an earlier attempt stopped. It does not check that
 * they are the expected bytes; {@link WeightsCache} does.
 */
final class Download {
    private static final int CONNECT_TIMEOUT_MILLIS = 20_000;
    private static final int READ_TIMEOUT_MILLIS = 30_000;
    private static final int MAX_ATTEMPTS_WITHOUT_PROGRESS = 3;
    private static final long MAX_BYTES = 8L << 30;
    private static final int CHUNK = 1 << 16;

    private final Path part;
    private final RemoteFile remote;
    private final FetchListener listener;

    private Download(Path part, RemoteFile remote, FetchListener listener) {
        this.part = part;
        this.remote = remote;
        this.listener = listener;
    }

    /**
     * Downloads a file, and retries until {@value #MAX_ATTEMPTS_WITHOUT_PROGRESS} attempts in a row make no progress:
     * none of them has more bytes than were there before. Servers that cannot resume send all bytes again.
     *
     * @param part file to create or to append to
     * @throws WeightsException when the download fails; the bytes received so far stay in the file
     * @throws IOException when the file cannot be written
     */
    static void to(Path part, RemoteFile remote, FetchListener listener) throws IOException {
        new Download(part, remote, listener).run();
    }

    /** The connection broke or the server is overloaded, so that another attempt may succeed. */
    private static final class TransientFailure extends Exception {
        private static final long serialVersionUID = 1L;

        TransientFailure(String message) {
            super(message);
        }
    }

    private void run() throws IOException {
        int withoutProgress = 0;
        long most = received();
        while (true) {
            try {
                attempt(received());
                return;
            } catch (TransientFailure e) {
                long now = received();
                withoutProgress = now > most ? 0 : withoutProgress + 1;
                most = Math.max(most, now);
                if (withoutProgress == MAX_ATTEMPTS_WITHOUT_PROGRESS) {
                    throw new WeightsException(
                            "cannot fetch " + remote.address() + ": " + e.getMessage() + ". " + received()
                                    + " bytes were received and kept; try again later to resume the download",
                            e);
                }
            }
        }
    }

    private long received() throws IOException {
        return Files.exists(part) ? Files.size(part) : 0;
    }

    private void attempt(long from) throws IOException, TransientFailure {
        URLConnection connection = connect(from);
        long start = from;
        long total;
        try {
            if (connection instanceof HttpURLConnection http) {
                int status = http.getResponseCode();
                if (status == 416) { // range not satisfiable: the bytes received before are of another file
                    Files.delete(part);
                    throw new TransientFailure("the server has fewer bytes than were received before");
                }
                if (status >= 500 || status == 429) {
                    throw new TransientFailure("the server answers " + status);
                }
                if (status != 200 && status != 206) {
                    throw new WeightsException("cannot fetch " + remote.address() + ": the server answers " + status
                            + "; check the address");
                }
                start = status == 206 ? from : 0;
            } else {
                start = 0;
            }
            long remaining = connection.getContentLengthLong();
            total = remaining < 0 ? -1 : start + remaining;
        } catch (IOException e) {
            throw new TransientFailure(describe(e));
        }
        checkSpace(total - start);
        try (InputStream in = open(connection);
                OutputStream out = start > 0
                        ? Files.newOutputStream(part, StandardOpenOption.APPEND)
                        : Files.newOutputStream(part)) {
            copy(in, out, start, total);
        }
    }

    private URLConnection connect(long from) throws TransientFailure {
        try {
            URLConnection connection = remote.address().toURL().openConnection();
            connection.setConnectTimeout(CONNECT_TIMEOUT_MILLIS);
            connection.setReadTimeout(READ_TIMEOUT_MILLIS); // java.net.http's client has no timeout between bytes
            connection.setUseCaches(false);
            if (from > 0 && !remote.isLocal()) {
                connection.setRequestProperty("Range", "bytes=" + from + "-");
            }
            return connection;
        } catch (IOException e) {
            throw new TransientFailure(describe(e));
        }
    }

    private static InputStream open(URLConnection connection) throws TransientFailure {
        try {
            return connection.getInputStream();
        } catch (IOException e) {
            throw new TransientFailure(describe(e));
        }
    }

    private void checkSpace(long bytes) throws IOException {
        if (bytes > MAX_BYTES) {
            throw new WeightsException("cannot fetch " + remote.address() + ": the server announces " + bytes
                    + " bytes, and a file of weights must not have more than " + MAX_BYTES);
        }
        requireSpace(Objects.requireNonNull(part.toAbsolutePath().getParent()), bytes);
    }

    /**
     * Requires free space where its amount is known: there is no store of a folder in some chroots and sandboxes, and
     * some file systems report none.
     *
     * @throws IOException if there is too little
     */
    static void requireSpace(Path folder, long bytes) throws IOException {
        long free;
        try {
            free = Files.getFileStore(folder).getUsableSpace();
        } catch (IOException e) {
            return;
        }
        if (free > 0 && bytes > free) {
            throw new IOException("the download needs " + bytes + " bytes, but only " + free + " are free");
        }
    }

    private void copy(InputStream in, OutputStream out, long start, long total) throws IOException, TransientFailure {
        byte[] buffer = new byte[CHUNK];
        long received = start;
        listener.progressed(received, total);
        for (int read = read(in, buffer); read >= 0; read = read(in, buffer)) {
            out.write(buffer, 0, read);
            received += read;
            if (received > MAX_BYTES) {
                throw new WeightsException("cannot fetch " + remote.address() + ": the server sends more than "
                        + MAX_BYTES + " bytes, which a file of weights must not have");
            }
            listener.progressed(received, total);
        }
        if (received < total) {
            throw new TransientFailure("the connection broke after " + received + " of " + total + " bytes");
        }
    }

    /** Reads from the connection, so that its failure is not mistaken for one of the disk. */
    private static int read(InputStream in, byte[] buffer) throws TransientFailure {
        try {
            return in.read(buffer);
        } catch (IOException e) {
            throw new TransientFailure("the connection broke: " + describe(e));
        }
    }

    private static String describe(IOException e) {
        return e.getClass().getSimpleName() + (e.getMessage() == null ? "" : " (" + e.getMessage() + ")");
    }
}
