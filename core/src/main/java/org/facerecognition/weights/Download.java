package org.facerecognition.weights;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.HttpURLConnection;
import java.net.URLConnection;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * Bytes from an address to a file, going on where a former try stopped. Whether they are the right ones is not its
 * business.
 */
final class Download {
    private static final int CONNECT_MILLIS = 20_000;
    private static final int SILENCE_MILLIS = 30_000;
    private static final int FRUITLESS_TRIES = 3;
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
     * @param part file to write or to lengthen
     * @throws WeightsException when the address cannot be had; what has come stays in the file
     * @throws IOException when the file cannot be written
     */
    static void to(Path part, RemoteFile remote, FetchListener listener) throws IOException {
        new Download(part, remote, listener).run();
    }

    /** The line broke, or the server asks for patience: worth another try. */
    private static final class BrokenOff extends Exception {
        private static final long serialVersionUID = 1L;

        BrokenOff(String message) {
            super(message);
        }
    }

    private void run() throws IOException {
        int fruitless = 0;
        while (true) {
            long before = have();
            try {
                once(before);
                return;
            } catch (BrokenOff e) {
                fruitless = have() > before ? 0 : fruitless + 1;
                if (fruitless == FRUITLESS_TRIES) {
                    throw new WeightsException(
                            "cannot fetch " + remote.address() + ": " + e.getMessage() + ". " + have()
                                    + " bytes are here; try again later, it goes on from there",
                            e);
                }
            }
        }
    }

    private long have() throws IOException {
        return Files.exists(part) ? Files.size(part) : 0;
    }

    private void once(long from) throws IOException, BrokenOff {
        URLConnection connection = connect(from);
        long start = from;
        long total;
        try {
            if (connection instanceof HttpURLConnection http) {
                int status = http.getResponseCode();
                if (status == 416) { // nothing of it lies behind what is here: what is here is of something else
                    Files.delete(part);
                    throw new BrokenOff("its server has fewer bytes than are here");
                }
                if (status >= 500 || status == 429) {
                    throw new BrokenOff("its server answers " + status);
                }
                if (status != 200 && status != 206) {
                    throw new WeightsException("cannot fetch " + remote.address() + ": its server answers " + status
                            + "; check the address");
                }
                start = status == 206 ? from : 0;
            } else {
                start = 0;
            }
            long coming = connection.getContentLengthLong();
            total = coming < 0 ? -1 : start + coming;
        } catch (IOException e) {
            throw new BrokenOff(said(e));
        }
        checkRoom(total - start);
        try (InputStream in = open(connection);
                OutputStream out = start > 0
                        ? Files.newOutputStream(part, StandardOpenOption.APPEND)
                        : Files.newOutputStream(part)) {
            copy(in, out, start, total);
        }
    }

    private URLConnection connect(long from) throws BrokenOff {
        try {
            URLConnection connection = remote.address().toURL().openConnection();
            connection.setConnectTimeout(CONNECT_MILLIS);
            connection.setReadTimeout(SILENCE_MILLIS); // java.net.http's client has no limit on a silent line
            connection.setUseCaches(false);
            if (from > 0 && !remote.isLocal()) {
                connection.setRequestProperty("Range", "bytes=" + from + "-");
            }
            return connection;
        } catch (IOException e) {
            throw new BrokenOff(said(e));
        }
    }

    private static InputStream open(URLConnection connection) throws BrokenOff {
        try {
            return connection.getInputStream();
        } catch (IOException e) {
            throw new BrokenOff(said(e));
        }
    }

    private void checkRoom(long bytes) throws IOException {
        if (bytes > MAX_BYTES) {
            throw new WeightsException("cannot fetch " + remote.address() + ": its server announces " + bytes
                    + " bytes, and weights must not have more than " + MAX_BYTES);
        }
        long room = Files.getFileStore(part.getParent()).getUsableSpace();
        if (bytes > room) {
            throw new IOException("it needs " + bytes + " bytes and there is room for " + room);
        }
    }

    private void copy(InputStream in, OutputStream out, long start, long total) throws IOException, BrokenOff {
        byte[] buffer = new byte[CHUNK];
        long have = start;
        listener.progressed(have, total);
        for (int read = read(in, buffer); read >= 0; read = read(in, buffer)) {
            out.write(buffer, 0, read);
            have += read;
            if (have > MAX_BYTES) {
                throw new WeightsException("cannot fetch " + remote.address() + ": it does not end after " + have
                        + " bytes, and weights must not have more");
            }
            listener.progressed(have, total);
        }
        if (have < total) {
            throw new BrokenOff("the line broke after " + have + " of " + total + " bytes");
        }
    }

    /** Tells a broken line from a full disk. */
    private static int read(InputStream in, byte[] buffer) throws BrokenOff {
        try {
            return in.read(buffer);
        } catch (IOException e) {
            throw new BrokenOff("the line broke: " + said(e));
        }
    }

    private static String said(IOException e) {
        return e.getClass().getSimpleName() + (e.getMessage() == null ? "" : " (" + e.getMessage() + ")");
    }
}
