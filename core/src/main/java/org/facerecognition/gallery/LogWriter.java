package org.facerecognition.gallery;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Iterator;
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
        this.buffer = ByteBuffer.allocate(BUFFER_BYTES + LogRecord.mostBytes(dimension));
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
            throw new GalleryException("cannot write gallery " + file + ": " + e.getMessage(), e);
        }
    }

    /**
     * Writes a file beside, has the disk confirm it and moves it to its place, so that at every moment there is the former one
     * whole or the new one.
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
        Path beside = beside(file);
        try {
            long length = write(beside, header, records);
            if (former != null) {
                former.close(); // Windows moves nothing over an open file
            }
            Files.move(beside, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
            syncFolder(file);
            return open(file, new LogReader.End(header, length, 0));
        } catch (IOException e) {
            try {
                Files.deleteIfExists(beside);
            } catch (IOException again) {
                e.addSuppressed(again);
            }
            throw new GalleryException(
                    "cannot write gallery " + file + ": " + e.getMessage()
                            + "; what was there is untouched, free some space or choose another folder",
                    e);
        }
    }

    /** @return how many bytes it has */
    private static long write(Path file, LogHeader header, Iterator<? extends LogRecord> records) throws IOException {
        byte[] start = header.encode();
        try (RandomAccessFile out = new RandomAccessFile(file.toFile(), "rw");
                LogWriter writer = new LogWriter(file, out, start.length, header.dimension())) {
            out.setLength(0);
            out.write(start);
            writer.writeAll(records);
            out.getFD().sync();
            return writer.length;
        }
    }

    /** Of one name always: whoever has the gallery's lock may delete one that was left. */
    static Path beside(Path file) {
        return file.resolveSibling(file.getFileName() + ".tmp");
    }

    /** A moved file is in its place for good when the folder is on the disk too. */
    private static void syncFolder(Path file) {
        try (FileChannel folder = FileChannel.open(file.toAbsolutePath().getParent(), StandardOpenOption.READ)) {
            folder.force(true);
        } catch (IOException e) {
            // Windows opens no folders, and needs no such thing
        }
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
            writeAll(records);
        } catch (IOException e) {
            cutTo(before);
            throw new GalleryException(
                    "cannot write gallery " + file + ": " + e.getMessage()
                            + "; nothing of this was enrolled or removed, free some space",
                    e);
        }
        try {
            out.getFD().sync();
        } catch (IOException e) {
            broken = true;
            throw new GalleryException(
                    "the disk does not confirm what was written to gallery " + file + ": " + e.getMessage()
                            + "; close it and open it again to see what is there",
                    e);
        }
    }

    private void writeAll(Iterator<? extends LogRecord> records) throws IOException {
        buffer.clear();
        while (records.hasNext()) {
            LogRecord.write(records.next(), length + buffer.position(), buffer);
            if (buffer.position() >= BUFFER_BYTES) {
                flush();
            }
        }
        flush();
    }

    private void flush() throws IOException {
        out.write(buffer.array(), 0, buffer.position());
        length += buffer.position();
        buffer.clear();
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
