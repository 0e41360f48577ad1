package org.facerecognition.data;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Arrays;
import java.util.concurrent.Semaphore;
import java.util.function.Function;
import org.facerecognition.io.AtomicFile;
import org.facerecognition.io.FileNames;

/**
 * Reads the bytes of image files. A large file is refused by its beginning if that is no image's, and is read when
 * there is room for it beside the large files that other threads are reading. Thread-safe.
 */
public final class FileBytes {
    private static final long LARGE = 32L << 20;
    private static final int START = 1 << 16; // bytes that show what a file is
    private static final int UNIT = 1 << 10; // bytes of a permit
    private static final FileBytes ALL =
            new FileBytes(LARGE, Runtime.getRuntime().maxMemory() / 2);

    private final long large;
    private final long max;
    private final Semaphore room;

    /**
     * @param large number of bytes from which on a file is large
     * @param room bytes of large files that may be read at the same time
     */
    FileBytes(long large, long room) {
        this.large = large;
        this.max = Math.min(Integer.MAX_VALUE - 8, room);
        this.room = new Semaphore((int) Math.min(Integer.MAX_VALUE, permits(room)), true);
    }

    private static long permits(long bytes) {
        return (bytes + UNIT - 1) / UNIT;
    }

    /** Opens a file at its beginning. */
    @FunctionalInterface
    public interface Opening {
        /**
         * Returns a new stream, to be closed by the caller.
         *
         * @throws IOException when the file cannot be opened
         */
        InputStream open() throws IOException;
    }

    /** Reads bytes of a file. */
    private interface Reading {
        byte[] bytes() throws IOException;
    }

    /**
     * Reads a file of any file system.
     *
     * @param name of the image in messages
     * @param size of the file in bytes
     * @param file is opened twice if it is large
     * @param reader receives the bytes; while it runs, other large files may have to wait
     * @return its result
     * @throws DataException when the file is too large, or large and not an image
     * @throws IOException when the file cannot be read, or has become shorter
     */
    public static <R> R use(String name, long size, Opening file, Function<byte[], R> reader) throws IOException {
        return ALL.read(name, size, file, reader);
    }

    /**
     * Reads a file.
     *
     * @param reader receives the bytes; while it runs, other large files may have to wait
     * @return its result
     * @throws DataException when the file is missing, unreadable, too large, or large and not an image
     */
    static <R> R use(Path file, Function<byte[], R> reader) {
        return ALL.read(file, reader);
    }

    /** Returns whether bytes are of a large file, to be released before other work begins. */
    public static boolean isLarge(byte[] bytes) {
        return bytes.length >= LARGE;
    }

    <R> R read(Path file, Function<byte[], R> reader) {
        try {
            Opening opening = () -> Files.newInputStream(file);
            BasicFileAttributes attributes = Files.readAttributes(file, BasicFileAttributes.class);
            Reading whole =
                    attributes.isOther() ? () -> withoutSize(opening, file.toString()) : () -> Files.readAllBytes(file);
            return read(file.toString(), attributes.size(), opening, whole, reader);
        } catch (NoSuchFileException e) {
            throw new DataException(
                    "image " + FileNames.text(file)
                            + (FileNames.isReadable(file)
                                    ? " does not exist"
                                    : " cannot be opened: " + FileNames.remedy()),
                    e);
        } catch (IOException e) {
            throw new DataException("image " + file + " cannot be read: " + AtomicFile.reason(e), e);
        }
    }

    <R> R read(String name, long size, Opening file, Function<byte[], R> reader) throws IOException {
        return read(name, size, file, () -> all(file, (int) size), reader);
    }

    private <R> R read(String name, long size, Opening file, Reading whole, Function<byte[], R> reader)
            throws IOException {
        ImageReader.checkFileSize(size, max, name);
        if (size < large) {
            return reader.apply(whole.bytes());
        }
        ImageReader.checkStart(start(file), size, name);
        int permits = (int) permits(size);
        room.acquireUninterruptibly(permits);
        try {
            return reader.apply(whole.bytes());
        } finally {
            room.release(permits);
        }
    }

    /** Reads a pipe, or a device, which may have no end. */
    private byte[] withoutSize(Opening file, String name) throws IOException {
        try (InputStream in = file.open()) {
            byte[] start = in.readNBytes(START);
            if (start.length < START) {
                return start;
            }
            if (!ImageHeader.isKnown(start)) {
                throw new DataException("image " + name + " must be an image file, but is a pipe or a device that does"
                        + " not begin like one");
            }
            byte[] rest = in.readNBytes((int) large);
            if (rest.length == large) {
                throw new DataException("image " + name + " is a pipe or a device, of which at most " + large
                        + " bytes are read, but it has more; write it to a file");
            }
            byte[] bytes = Arrays.copyOf(start, start.length + rest.length);
            System.arraycopy(rest, 0, bytes, start.length, rest.length);
            return bytes;
        }
    }

    private static byte[] start(Opening file) throws IOException {
        try (InputStream in = file.open()) {
            return in.readNBytes(START);
        }
    }

    private static byte[] all(Opening file, int size) throws IOException {
        try (InputStream in = file.open()) {
            byte[] bytes = new byte[size];
            if (in.readNBytes(bytes, 0, size) < size) {
                throw new EOFException("it was shortened while it was read");
            }
            return bytes;
        }
    }
}
