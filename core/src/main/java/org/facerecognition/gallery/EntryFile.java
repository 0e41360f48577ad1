package org.facerecognition.gallery;

import java.io.EOFException;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Semaphore;
import org.facerecognition.io.AtomicFile;
import org.facerecognition.natives.Processors;
import org.jspecify.annotations.Nullable;

/**
 * Reads single entries of a gallery's file at their offsets, for any number of threads, and verifies their checksums.
 * The file stays readable here after another one has replaced it.
 */
/*
 * The file is read and not mapped into memory: a map of a file that another process truncates, or whose disk fails,
 * ends the JVM when native code reads it, and mapped pages count as memory of this process. It is not read through a
 * FileChannel, which an interrupt of a reading thread would close. All handles are opened at once, because one that is
 * opened later could be of another file that has replaced this one.
 */
final class EntryFile implements AutoCloseable {
    private static final int HANDLES_PER_PROCESSOR = 2;
    private static final int MAX_ATTEMPTS = 20;
    private static final int USUAL_TEXT_BYTES = 256;
    private static final int MAX_GAP_BYTES = 16 << 10; // read rather than skipped
    private static final int MAX_RUN_BYTES = 256 << 10;

    private final Path file;
    private final int dimension;
    private final int usualBytes; // of an entry
    private final List<RandomAccessFile> handles = new ArrayList<>();
    private final ConcurrentLinkedQueue<RandomAccessFile> idle;
    private final Semaphore available;

    /** @throws GalleryException if the file cannot be opened */
    EntryFile(Path file, int dimension) {
        this.file = file;
        try {
            for (int i = 0; i < HANDLES_PER_PROCESSOR * Processors.count(); i++) {
                handles.add(new RandomAccessFile(file.toFile(), "r"));
            }
        } catch (IOException e) {
            close();
            throw unreadable(e);
        }
        this.idle = new ConcurrentLinkedQueue<>(handles);
        this.available = new Semaphore(handles.size());
        this.dimension = dimension;
        this.usualBytes =
                Math.min(LogRecord.maxBytes(dimension), LogRecord.withoutTextBytes(dimension) + USUAL_TEXT_BYTES);
    }

    /** Returns the header of the open file, which may be another one than there is under its name now. */
    LogHeader header() {
        RandomAccessFile in = handle();
        try {
            ByteBuffer start = ByteBuffer.allocate(LogHeader.MAX_BYTES).order(ByteOrder.LITTLE_ENDIAN);
            return LogHeader.decode(fill(in, 0, start), "gallery " + file);
        } catch (IOException e) {
            throw unreadable(e);
        } finally {
            release(in);
        }
    }

    /** Receives an entry's embedding. */
    interface VectorSink {
        /**
         * @param at index of its offset
         * @param unit little-endian values from the buffer's position on; valid during the call
         */
        void accept(int at, ByteBuffer unit);
    }

    /**
     * Returns the entry at an offset.
     *
     * @return null if it was erased
     * @throws GalleryException if it cannot be read or is damaged
     */
    LogRecord.@Nullable Enrolled read(long offset) {
        RandomAccessFile in = handle();
        try {
            ByteBuffer bytes = ByteBuffer.allocate(usualBytes).order(ByteOrder.LITTLE_ENDIAN);
            LogRecord record =
                    LogRecord.read(body(in, offset, fill(in, offset, bytes), 0), dimension, LogHeader.VERSION);
            if (record instanceof LogRecord.Enrolled enrolled) {
                return enrolled;
            }
            if (record instanceof LogRecord.Erased) {
                return null;
            }
            throw damaged(offset);
        } catch (IOException e) {
            throw unreadable(e);
        } finally {
            release(in);
        }
    }

    /**
     * Reads the embeddings at ascending offsets, neighbors together. Erased entries are left out.
     *
     * @throws GalleryException if one cannot be read or is damaged
     */
    void readVectors(long[] offsets, VectorSink to) {
        RandomAccessFile in = handle();
        try {
            ByteBuffer bytes = ByteBuffer.allocate(usualBytes).order(ByteOrder.LITTLE_ENDIAN);
            for (int first = 0; first < offsets.length; ) {
                int end = endOfRun(offsets, first);
                int length = (int) (offsets[end - 1] - offsets[first]) + usualBytes;
                if (bytes.capacity() < length) {
                    bytes = ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
                }
                fill(in, offsets[first], bytes.clear().limit(length));
                for (int i = first; i < end; i++) {
                    ByteBuffer body = body(in, offsets[i], bytes, (int) (offsets[i] - offsets[first]));
                    if (LogRecord.isEnrolled(body)) {
                        to.accept(i, body.position(body.limit() - Float.BYTES * dimension));
                    }
                }
                first = end;
            }
        } catch (IOException e) {
            throw unreadable(e);
        } finally {
            release(in);
        }
    }

    private int endOfRun(long[] offsets, int first) {
        int end = first + 1;
        while (end < offsets.length
                && offsets[end] - offsets[end - 1] <= MAX_GAP_BYTES + usualBytes
                && offsets[end] - offsets[first] <= MAX_RUN_BYTES) {
            end++;
        }
        return end;
    }

    /** Reads as many bytes as the buffer can take, or fewer at the end of the file. */
    private static ByteBuffer fill(RandomAccessFile in, long offset, ByteBuffer bytes) throws IOException {
        in.seek(offset);
        int count = 0;
        while (count < bytes.limit()) {
            int more = in.read(bytes.array(), count, bytes.limit() - count);
            if (more < 0) {
                break;
            }
            count += more;
        }
        return bytes.position(0).limit(count);
    }

    /**
     * Returns the verified body of the entry at an offset.
     *
     * @param bytes that were read
     * @param start of the entry in them
     */
    private ByteBuffer body(RandomAccessFile in, long offset, ByteBuffer bytes, int start) throws IOException {
        if (bytes.limit() < start + LogRecord.LENGTH_BYTES) {
            throw new EOFException("it ends before the entry at byte " + offset);
        }
        int length = bytes.getInt(start);
        if (bytes.getInt(start + Integer.BYTES) != LogRecord.lengthCheck(length, offset)
                || !LogRecord.isValidLength(length, dimension)) {
            throw damaged(offset);
        }
        int total = LogRecord.LENGTH_BYTES + length + LogRecord.CHECK_BYTES;
        if (bytes.limit() < start + total) { // its texts are longer than usual
            ByteBuffer all = fill(in, offset, ByteBuffer.allocate(total).order(ByteOrder.LITTLE_ENDIAN));
            if (all.limit() < total) {
                throw new EOFException("it ends within the entry at byte " + offset);
            }
            return body(in, offset, all, 0);
        }
        int body = start + LogRecord.LENGTH_BYTES;
        if (!isWhole(bytes, body, length)) {
            ByteBuffer again = ByteBuffer.allocate(total).order(ByteOrder.LITTLE_ENDIAN);
            body = LogRecord.LENGTH_BYTES;
            for (int attempt = 1; !isWhole(fill(in, offset, again.clear()), body, length); attempt++) {
                if (attempt == MAX_ATTEMPTS) {
                    throw damaged(offset);
                }
                GalleryLoader.pause(); // a writer in another process may be erasing it
            }
            return again.slice(body, length).order(ByteOrder.LITTLE_ENDIAN);
        }
        return bytes.slice(body, length).order(ByteOrder.LITTLE_ENDIAN);
    }

    private static boolean isWhole(ByteBuffer bytes, int body, int length) {
        return bytes.limit() >= body + length + LogRecord.CHECK_BYTES
                && bytes.getInt(body + length) == LogRecord.check(bytes.array(), body, length);
    }

    private GalleryException damaged(long offset) {
        return GalleryException.damage("the entry at byte " + offset + " of gallery " + file
                + " does not match its checksum; if another process has compacted the gallery, open it again;"
                + " otherwise the disk has damaged it: restore a copy");
    }

    private GalleryException unreadable(IOException e) {
        String message = "cannot read gallery " + file + ": " + AtomicFile.reason(e);
        return e instanceof EOFException ? GalleryException.damage(message) : new GalleryException(message, e);
    }

    private RandomAccessFile handle() {
        available.acquireUninterruptibly();
        return Objects.requireNonNull(idle.poll());
    }

    private void release(RandomAccessFile handle) {
        idle.add(handle);
        available.release();
    }

    /** Closes the file, which nobody may be reading. */
    @Override
    public void close() {
        for (RandomAccessFile handle : handles) {
            try {
                handle.close();
            } catch (IOException e) {
                // it was open for reading: nothing is lost
            }
        }
    }
}
