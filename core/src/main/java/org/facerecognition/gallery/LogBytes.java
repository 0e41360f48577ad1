package org.facerecognition.gallery;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import org.facerecognition.io.FileNames;

/**
 * Buffered random access to the bytes that a gallery's file had when it was opened. The size of the buffer is fixed,
 * whatever lengths the file claims.
 */
final class LogBytes implements AutoCloseable {
    private static final int BUFFER_BYTES = 1 << 20;

    private final RandomAccessFile in; // not a FileChannel, which an interrupt of the reading thread would close
    private final long size;
    private ByteBuffer buffer;
    private long bufferOffset; // of the buffer's first byte in the file

    LogBytes(Path file) throws IOException {
        FileNames.requireOnDisk(file);
        in = new RandomAccessFile(file.toFile(), "r");
        try {
            size = in.length();
        } catch (IOException e) {
            in.close();
            throw e;
        }
        int capacity = BUFFER_BYTES + LogRecord.maxBytes(GalleryArguments.MAX_DIMENSION);
        buffer = ByteBuffer.allocate((int) Math.min(capacity, Math.max(size, BatchMark.BYTES)))
                .order(ByteOrder.LITTLE_ENDIAN)
                .limit(0);
    }

    long size() {
        return size;
    }

    /**
     * Returns bytes of the file. They are valid until the next call.
     *
     * @param from offset of the first byte
     * @param count at most the length of the longest record
     * @return {@code count} bytes, or fewer at the end of the file
     */
    ByteBuffer at(long from, int count) throws IOException {
        int available = (int) Math.max(0, Math.min(count, size - from));
        if (from < bufferOffset || from + available > bufferOffset + buffer.limit()) {
            fill(from);
        }
        int start = (int) (from - bufferOffset);
        int end = Math.min(buffer.limit(), start + available);
        return buffer.duplicate()
                .order(ByteOrder.LITTLE_ENDIAN)
                .limit(Math.max(start, end))
                .position(start);
    }

    private void fill(long from) throws IOException {
        in.seek(from);
        int requested = (int) Math.min(buffer.capacity(), Math.max(0, size - from));
        int read = 0;
        while (read < requested) {
            int more = in.read(buffer.array(), read, requested - read);
            if (more < 0) {
                break; // another process has truncated the file
            }
            read += more;
        }
        bufferOffset = from;
        buffer = buffer.clear().limit(read);
    }

    /** Returns whether the file contains only zeros from an offset to its end. */
    boolean onlyZerosFrom(long from) throws IOException {
        for (long at = from; at < size; at += BUFFER_BYTES) {
            ByteBuffer bytes = at(at, BUFFER_BYTES);
            if (!bytes.hasRemaining()) {
                return true;
            }
            while (bytes.hasRemaining()) {
                if (bytes.get() != 0) {
                    return false;
                }
            }
        }
        return true;
    }

    @Override
    public void close() throws IOException {
        in.close();
    }
}
