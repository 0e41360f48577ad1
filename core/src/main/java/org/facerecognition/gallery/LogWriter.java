package org.facerecognition.gallery;

import java.io.File;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.facerecognition.io.AtomicFile;
import org.facerecognition.io.ConfidentialFile;
import org.jspecify.annotations.Nullable;

/** Writes batches to the end of a gallery's file, and erases entries in it. For one thread at a time. */
/*
 * When a batch cannot be written whole (the disk is full) the file is cut to what it was. When the disk does not
 * confirm that it has what was written, nobody can say what it has: Linux reports that once and forgets it, and to try
 * again would seem to succeed. Then nothing is added any more until the file is opened and read again.
 */
final class LogWriter implements AutoCloseable {
    private static final int BUFFER_BYTES = 1 << 20;
    private static final int REWRITTEN_AT_A_TIME = 1_000;

    private final Path file;
    private final LogHeader header;
    private final ByteBuffer buffer;
    private final LogFile out;
    private long length;
    private boolean broken;

    private LogWriter(Path file, LogFile out, LogHeader header, long length) {
        this.file = file;
        this.out = out;
        this.header = header;
        this.length = length;
        this.buffer = buffer(header.dimension());
    }

    /** Opens a file that was read; what is behind its committed batches is erased and cut off. */
    static LogWriter open(Path file, LogFile.Opener opener, LogReader.End end) {
        try {
            LogFile out = opener.open(file);
            try {
                if (end.tornBytes() > 0) {
                    out.eraseFrom(end.goodBytes());
                }
                out.sync(); // a writer that was killed may have committed what the disk has not confirmed
                return new LogWriter(file, out, end.header(), end.goodBytes());
            } catch (IOException | RuntimeException e) {
                out.close();
                throw e;
            }
        } catch (IOException e) {
            throw new GalleryException("cannot write gallery " + file + ": " + AtomicFile.reason(e), e);
        }
    }

    /**
     * Creates a file without entries.
     *
     * @throws GalleryException when it cannot be written
     */
    static LogWriter create(Path file, LogFile.Opener opener, LogHeader header) {
        byte[] start = header.encode();
        try {
            ConfidentialFile.write(file, start);
        } catch (IOException e) {
            throw cannotRewrite(file, e);
        }
        return open(file, opener, new LogReader.End(header, start.length, 0, List.of()));
    }

    /**
     * Puts another file in the place of one that is there, atomically: at every moment there is the former one or the
     * new one, whole. Then the former one's content is overwritten.
     *
     * @param former the writer of the file, which is closed; null when there is none
     * @param places of the entries in the new file, to be filled
     * @throws GalleryException when it cannot be written; the file is as it was
     */
    static LogWriter replace(
            Path file,
            LogFile.Opener opener,
            LogHeader header,
            Iterator<LogRecord.Enrolled> entries,
            Places places,
            @Nullable LogWriter former) {
        long[] end = new long[1];
        try {
            ConfidentialFile.replace(file, stream -> {
                end[0] = writeAll(header, entries, places, stream);
                if (former != null && File.separatorChar == '\\') {
                    former.close(); // Windows moves nothing over an open file
                }
            });
        } catch (ConfidentialFile.NotErasedException e) {
            if (former != null) {
                former.broken = true;
            }
            throw new GalleryException(
                    "gallery " + file + " was rewritten, but its former content could not be overwritten: "
                            + e.getMessage() + "; close it and open it again, which tries again",
                    e);
        } catch (IOException e) {
            throw cannotRewrite(file, e);
        }
        if (former != null) {
            former.broken = true;
            former.closeQuietly();
        }
        return open(file, opener, new LogReader.End(header, end[0], 0, List.of()));
    }

    private static GalleryException cannotRewrite(Path file, IOException e) {
        return new GalleryException(
                "cannot write gallery " + file + ": " + AtomicFile.reason(e)
                        + "; what was there is untouched, free some space or choose another folder",
                e);
    }

    /** In many batches, as nobody sees the file before it is whole. */
    private static long writeAll(
            LogHeader header, Iterator<LogRecord.Enrolled> entries, Places places, OutputStream stream)
            throws IOException {
        byte[] start = header.encode();
        stream.write(start);
        long place = start.length;
        ByteBuffer buffer = buffer(header.dimension());
        List<LogRecord.Enrolled> some = new ArrayList<>();
        while (entries.hasNext()) {
            some.add(entries.next());
            if (some.size() == REWRITTEN_AT_A_TIME || !entries.hasNext()) {
                BatchMark batch = batch(some, BatchMark.Kind.ENTRIES, place);
                write(batch, some, header, buffer, (from, bytes, count) -> stream.write(bytes, 0, count));
                addPlaces(some, batch, places);
                stream.write(batch.commit().encode(header.id()));
                place = batch.end();
                some.clear();
            }
        }
        return place;
    }

    private void closeQuietly() {
        try {
            close();
        } catch (IOException e) {
            // nobody finds this file any more: another is in its place
        }
    }

    private static ByteBuffer buffer(int dimension) {
        return ByteBuffer.allocate(BUFFER_BYTES + LogRecord.maxBytes(dimension) + BatchMark.BYTES)
                .order(ByteOrder.LITTLE_ENDIAN);
    }

    // ---- batches ----

    /**
     * Adds a batch; when this returns it is committed and on the disk. It is there whole or not at all.
     *
     * @param kind of entries or of removals
     * @param places to which those of the records are added
     * @throws GalleryException when it cannot be written; then none of it is in the file, unless the disk does not
     *     confirm it: what is there then is known at the next opening, as the message says
     */
    void append(List<? extends LogRecord> records, BatchMark.Kind kind, Places places) {
        if (broken) {
            throw new GalleryException(
                    "gallery " + file + " takes nothing more after a failed write; close it and open it again");
        }
        if (records.isEmpty()) {
            return;
        }
        BatchMark batch = batch(records, kind, length);
        try {
            write(batch, records, header, buffer, (place, bytes, count) -> out.write(place, bytes, 0, count));
            out.write(batch.commitPlace(), new byte[BatchMark.BYTES], 0, BatchMark.BYTES);
        } catch (IOException e) {
            cutTo(length);
            throw new GalleryException(
                    "cannot write gallery " + file + ": " + AtomicFile.reason(e)
                            + "; nothing of this was enrolled or removed, free some space",
                    e);
        }
        try {
            out.sync();
            out.write(batch.commitPlace(), batch.commit().encode(header.id()), 0, BatchMark.BYTES);
            out.sync();
        } catch (IOException e) {
            broken = true;
            throw notConfirmed("what was written to", e);
        }
        addPlaces(records, batch, places);
        length = batch.end();
    }

    private static BatchMark batch(List<? extends LogRecord> records, BatchMark.Kind kind, long place) {
        long bytes = 0;
        for (LogRecord record : records) {
            bytes += LogRecord.bytes(record);
        }
        return new BatchMark(kind, place, BatchMark.aligned(bytes), records.size());
    }

    /** What takes bytes. */
    private interface Sink {
        void write(long place, byte[] bytes, int count) throws IOException;
    }

    /** Writes the beginning, the records and the padding. */
    private static void write(
            BatchMark batch, List<? extends LogRecord> records, LogHeader header, ByteBuffer buffer, Sink out)
            throws IOException {
        buffer.clear();
        buffer.put(batch.encode(header.id()));
        long written = batch.place();
        for (LogRecord record : records) {
            LogRecord.write(record, written + buffer.position(), buffer);
            if (buffer.position() >= BUFFER_BYTES) {
                out.write(written, buffer.array(), buffer.position());
                written += buffer.position();
                buffer.clear();
            }
        }
        while (written + buffer.position() < batch.commitPlace()) {
            buffer.put((byte) 0);
        }
        out.write(written, buffer.array(), buffer.position());
    }

    private static void addPlaces(List<? extends LogRecord> records, BatchMark batch, Places places) {
        long place = batch.place() + BatchMark.BYTES;
        for (LogRecord record : records) {
            if (record instanceof LogRecord.Enrolled enrolled) {
                places.add(enrolled.entry(), place);
            }
            place += LogRecord.bytes(record);
        }
    }

    private void cutTo(long former) {
        try {
            out.eraseFrom(former);
        } catch (IOException e) {
            broken = true; // the beginning of a batch is at the end now, which the next opening cuts off
        }
    }

    private GalleryException notConfirmed(String what, IOException e) {
        return new GalleryException(
                "the disk does not confirm " + what + " gallery " + file + ": " + AtomicFile.reason(e)
                        + "; close it and open it again to see what is there",
                e);
    }

    // ---- erasing ----

    /**
     * Overwrites entries whose removal is committed; when this returns the disk has confirmed it.
     *
     * @throws GalleryException when they cannot be overwritten; the next opening for writing tries again
     */
    void erase(List<LogRecord.Removal> removals) {
        try {
            byte[] start = new byte[LogRecord.LENGTH_BYTES];
            for (LogRecord.Removal removal : removals) {
                out.read(removal.place(), start);
                int bodyLength =
                        ByteBuffer.wrap(start).order(ByteOrder.LITTLE_ENDIAN).getInt();
                if (!LogRecord.canBe(bodyLength, header.dimension())
                        || removal.place() + LogRecord.LENGTH_BYTES + bodyLength > length) {
                    throw new IOException("there is no entry at byte " + removal.place());
                }
                byte[] erased = LogRecord.erasedBody(removal.entry(), bodyLength);
                out.write(removal.place() + LogRecord.LENGTH_BYTES, erased, 0, erased.length);
            }
            out.sync();
        } catch (IOException e) {
            broken = true;
            throw new GalleryException(
                    "entries were removed from gallery " + file + ", but could not be erased from the disk: "
                            + AtomicFile.reason(e) + "; close it and open it for writing again, which tries again",
                    e);
        }
    }

    @Override
    public void close() throws IOException {
        out.close();
    }
}
