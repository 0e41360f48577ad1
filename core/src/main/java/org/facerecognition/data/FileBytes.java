package org.facerecognition.data;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.concurrent.Semaphore;
import java.util.function.Function;
import org.facerecognition.io.AtomicFile;
import org.facerecognition.io.FileNames;

/**
 * Reads the bytes of image files. A large file is refused by its beginning if that is no image's, and is read when
 * there is room for it beside the large files that other threads are reading. Thread-safe.
 */
final class FileBytes {
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
    static boolean isLarge(byte[] bytes) {
        return bytes.length >= LARGE;
    }

    <R> R read(Path file, Function<byte[], R> reader) {
        try {
            long size = Files.size(file);
            ImageReader.checkFileSize(size, max, file.toString());
            if (size < large) {
                return reader.apply(Files.readAllBytes(file));
            }
            ImageReader.checkStart(start(file), size, file.toString());
            int permits = (int) permits(size);
            room.acquireUninterruptibly(permits);
            try {
                return reader.apply(Files.readAllBytes(file));
            } finally {
                room.release(permits);
            }
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

    private static byte[] start(Path file) throws IOException {
        try (InputStream in = Files.newInputStream(file)) {
            return in.readNBytes(START);
        }
    }
}
