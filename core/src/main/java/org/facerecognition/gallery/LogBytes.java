package org.facerecognition.gallery;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;

/**
 * The bytes of a gallery's file as long as it was when it was opened. The buffer is of one size, whatever lengths the
 * file claims.
 */
final class LogBytes implements AutoCloseable {
    private static final int BUFFER_BYTES = 1 << 20;

    private final RandomAccessFile in; // not a FileChannel, which an interrupt of the reading thread would close
    private final long size;
    private ByteBuffer buffer;
    private long place; // of the buffer's first byte in the file

    LogBytes(Path file) throws IOException {
        in = new RandomAccessFile(file.toFile(), "r");
        try {
            size = in.length();
        } catch (IOException e) {
            in.close();
            throw e;
        }
        int room = BUFFER_BYTES + LogRecord.maxBytes(Gallery.MAX_DIMENSION);
        buffer = ByteBuffer.allocate((int) Math.min(room, Math.max(size, BatchMark.BYTES)))
                .order(ByteOrder.LITTLE_ENDIAN)
                .limit(0);
    }

    long size() {
        return size;
    }

    /**
     * The bytes from a place on. Valid until the next call.
     *
     * @param count at most as many as the longest record has
     * @return so many bytes, or as many as there are
     */
    ByteBuffer at(long from, int count) throws IOException {
        int there = (int) Math.max(0, Math.min(count, size - from));
        if (from < place || from + there > place + buffer.limit()) {
            fill(from);
        }
        int start = (int) (from - place);
        int end = Math.min(buffer.limit(), start + there);
        return buffer.duplicate()
                .order(ByteOrder.LITTLE_ENDIAN)
                .limit(Math.max(start, end))
                .position(start);
    }

    private void fill(long from) throws IOException {
        in.seek(from);
        int wanted = (int) Math.min(buffer.capacity(), Math.max(0, size - from));
        int read = 0;
        while (read < wanted) {
            int more = in.read(buffer.array(), read, wanted - read);
            if (more < 0) {
                break; // cut by somebody since
            }
            read += more;
        }
        place = from;
        buffer = buffer.clear().limit(read);
    }

    /** Whether there are zeros only from a place on. */
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
