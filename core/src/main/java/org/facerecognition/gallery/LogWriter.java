package org.facerecognition.gallery;

import java.io.File;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Iterator;
import org.facerecognition.io.AtomicFile;
import org.jspecify.annotations.Nullable;

/** Adds records to the end of a gallery's file. For one thread at a time. */
/*
 * A RandomAccessFile and not a FileChannel, which an interrupt of the writing thread would close for good.
 *
 * When a record cannot be written whole (the disk is full) the file is cut to what it was. When the disk does not confirm
 * that it has what was written, nobody can say what it has: Linux reports that once and forgets it, and to try again would
 * seem to succeed. Then nothing is added any more until the file is opened and read again.
 */
final class LogWriter implements AutoCloseable {
    private static final int BUFFER_BYTES = 1 << 20;

    private final Path file;
    private final ByteBuffer buffer;
    private final RandomAccessFile out;
    private long length;
    private boolean broken;

    private LogWriter(Path file, RandomAccessFile out, long length, int dimension) {
        this.file = file;
        this.out = out;
        this.length = length;
        this.buffer = buffer(dimension);
    }

    /** Opens a file that was read; what is behind its whole records is cut off. */
    static LogWriter open(Path file, LogReader.End end) {
        try {
            RandomAccessFile out = new RandomAccessFile(file.toFile(), "rw");
            if (end.tornBytes() > 0) {
                out.setLength(end.goodBytes());
                out.getFD().sync();
            }
            out.seek(end.goodBytes());
            return new LogWriter(file, out, end.goodBytes(), end.header().dimension());
        } catch (IOException e) {
            throw new GalleryException("cannot write gallery " + file + ": " + AtomicFile.reason(e), e);
        }
    }

    /**
     * Writes a file atomically: at every moment there is the former one or the new one, whole.
     *
     * @throws GalleryException when it cannot be written; what was there is untouched
     */
    static LogWriter create(Path file, LogHeader header, Iterator<? extends LogRecord> records) {
        return create(file, header, records, null);
    }

    /**
     * Puts another file in this one's place, by {@link #create}. The writer that is returned goes on.
     *
     * @throws GalleryException when it cannot be written; the file is as it was
     */
    LogWriter replace(LogHeader header, Iterator<? extends LogRecord> records) {
        return create(file, header, records, this);
    }

    private static LogWriter create(
            Path file, LogHeader header, Iterator<? extends LogRecord> records, @Nullable LogWriter former) {
        long[] length = new long[1];
        try {
            AtomicFile.writeStream(file, out -> {
                byte[] start = header.encode();
                out.write(start);
                length[0] = writeAll(records, start.length, buffer(header.dimension()), out::write);
                if (former != null && File.separatorChar == '\\') {
                    former.close(); // Windows moves nothing over an open file
                }
            });
        } catch (IOException e) {
            throw new GalleryException(
                    "cannot write gallery " + file + ": " + AtomicFile.reason(e)
                            + "; what was there is untouched, free some space or choose another folder",
                    e);
        }
        if (former != null) {
            former.closeQuietly();
        }
        return open(file, new LogReader.End(header, length[0], 0));
    }

    private void closeQuietly() {
        try {
            close();
        } catch (IOException e) {
            // nobody finds this file any more: another is in its place
        }
    }

    private static ByteBuffer buffer(int dimension) {
        return ByteBuffer.allocate(BUFFER_BYTES + LogRecord.mostBytes(dimension));
    }

    /**
     * Adds records; when this returns they are on the disk.
     *
     * @throws GalleryException when they cannot be written; then none is in the file
     */
    void append(Iterator<? extends LogRecord> records) {
        if (broken) {
            throw new GalleryException(
                    "gallery " + file + " takes nothing more after a failed write; close it and open it again");
        }
        long before = length;
        try {
            length = writeAll(records, before, buffer, out::write);
        } catch (IOException e) {
            cutTo(before);
            throw new GalleryException(
                    "cannot write gallery " + file + ": " + AtomicFile.reason(e)
                            + "; nothing of this was enrolled or removed, free some space",
                    e);
        }
        try {
            out.getFD().sync();
        } catch (IOException e) {
            broken = true;
            throw new GalleryException(
                    "the disk does not confirm what was written to gallery " + file + ": " + AtomicFile.reason(e)
                            + "; close it and open it again to see what is there",
                    e);
        }
    }

    /** What takes bytes. */
    private interface Sink {
        void write(byte[] bytes, int from, int count) throws IOException;
    }

    /**
     * @param place of the first record in the file
     * @return the place behind the last one
     */
    private static long writeAll(Iterator<? extends LogRecord> records, long place, ByteBuffer buffer, Sink out)
            throws IOException {
        long written = place;
        buffer.clear();
        while (records.hasNext()) {
            LogRecord.write(records.next(), written + buffer.position(), buffer);
            if (buffer.position() >= BUFFER_BYTES || !records.hasNext()) {
                out.write(buffer.array(), 0, buffer.position());
                written += buffer.position();
                buffer.clear();
            }
        }
        return written;
    }

    private void cutTo(long former) {
        try {
            out.setLength(former);
            out.seek(former);
            length = former;
        } catch (IOException e) {
            broken = true; // the beginning of a record is at the end now, which the next opening cuts off
        }
    }

    @Override
    public void close() throws IOException {
        out.close();
    }
}
