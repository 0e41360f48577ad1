package org.facerecognition.gallery;

import java.io.File;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Objects;
import java.util.function.LongConsumer;
import org.facerecognition.io.AtomicFile;
import org.facerecognition.io.ConfidentialFile;
import org.jspecify.annotations.Nullable;

/** Appends batches to a gallery's file, and erases entries in it. For one thread at a time. */
/*
 * If a batch cannot be written completely (the disk is full), the file is truncated to its previous length. If the disk
 * does not confirm a write, the state of the disk is unknown: Linux reports a failed fsync only once, and a second one
 * would seem to succeed. The writer then accepts no more changes until the file is opened and read again.
 *
 * The lock beside the file keeps other writers out, unless they see another folder: containers that each mount the file
 * alone, or a program that restores a copy over the file. The writer therefore compares the file at the path with the
 * one that it has open, and its length with what it has written, before each batch and its commit, and before the file
 * is rewritten and replaced.
 */
final class LogWriter implements AutoCloseable {
    private static final int BUFFER_BYTES = 1 << 20;
    private static final int REWRITE_BATCH_SIZE = 1_000;
    private static final String NOT_REWRITTEN = "it was not rewritten";

    private final Path file;
    private final LogHeader header;
    private final ByteBuffer buffer;
    private final LogFile out;
    private final @Nullable Object identity;
    private long length;
    private boolean broken;

    private LogWriter(Path file, LogFile out, LogHeader header, long length) throws IOException {
        this.file = file;
        this.out = out;
        this.identity = identity(file);
        this.header = header;
        this.length = length;
        this.buffer = buffer(header.dimension());
    }

    /** Opens a file that was read, and erases and cuts off everything behind its committed batches. */
    static LogWriter open(Path file, LogFile.Opener opener, LogReader.Result read) {
        try {
            LogFile out = opener.open(file);
            try {
                if (read.tornBytes() > 0) {
                    out.eraseFrom(read.committedBytes());
                }
                out.sync(); // a killed writer may have written a commit that the disk has not confirmed
                return new LogWriter(file, out, read.header(), read.committedBytes());
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
     * @throws GalleryException if it cannot be written
     */
    static LogWriter create(Path file, LogFile.Opener opener, LogHeader header) {
        byte[] start = header.encode();
        try {
            ConfidentialFile.write(file, start);
        } catch (IOException e) {
            throw cannotRewrite(file, e);
        }
        return open(file, opener, new LogReader.Result(header, start.length, 0, List.of()));
    }

    /**
     * Replaces a file atomically: at every moment, either the complete old file or the complete new file exists. Then
     * overwrites the content of the old file.
     *
     * @param offsets receives the offsets of the entries in the new file, in order
     * @param beforeErasing is run when the new file is in place; the old content is overwritten when it returns
     * @param old the writer of the old file, which is closed; null if there is none
     * @throws GalleryException if the new file cannot be written, in which case the old one is unchanged, or if the old
     *     content cannot be overwritten
     */
    static LogWriter replace(
            Path file,
            LogFile.Opener opener,
            LogHeader header,
            Iterator<LogRecord.Enrolled> entries,
            LongConsumer offsets,
            ConfidentialFile.Step beforeErasing,
            @Nullable LogWriter old) {
        if (old != null) {
            old.requireUsable(); // otherwise the file may have entries that the caller does not know
            old.requireUnchanged(old.length, NOT_REWRITTEN); // now, not after everything was written
        }
        long[] end = new long[1];
        try {
            ConfidentialFile.replace(
                    file,
                    stream -> {
                        end[0] = writeAll(header, entries, offsets, stream);
                        if (old != null) {
                            old.requireUnchanged(old.length, NOT_REWRITTEN);
                        }
                        if (old != null && File.separatorChar == '\\') {
                            old.close(); // Windows cannot replace an open file
                        }
                    },
                    () -> {
                        if (old != null) {
                            old.giveUp(); // it writes to a file that has no name any more
                        }
                        beforeErasing.run();
                    });
        } catch (ConfidentialFile.NotErasedException e) {
            throw new GalleryException(
                    "gallery " + file + " was rewritten, but its old content could not be overwritten: "
                            + e.getMessage()
                            + "; close the gallery and open it for writing again, which retries the erasure",
                    e);
        } catch (IOException e) {
            throw cannotRewrite(file, e);
        }
        if (old != null) {
            old.closeQuietly();
        }
        return open(file, opener, new LogReader.Result(header, end[0], 0, List.of()));
    }

    private static GalleryException cannotRewrite(Path file, IOException e) {
        return new GalleryException(
                "cannot write gallery " + file + ": " + AtomicFile.reason(e)
                        + "; an existing file is unchanged; "
                        + (AtomicFile.reason(e).contains("busy")
                                ? "a file that is mounted alone cannot be replaced: mount its folder"
                                : "free some space or choose another folder"),
                e);
    }

    /** Writes all entries, in several batches: the file is not visible until it is complete. Returns its length. */
    private static long writeAll(
            LogHeader header, Iterator<LogRecord.Enrolled> entries, LongConsumer offsets, OutputStream stream)
            throws IOException {
        byte[] start = header.encode();
        stream.write(start);
        long offset = start.length;
        ByteBuffer buffer = buffer(header.dimension());
        List<LogRecord.Enrolled> records = new ArrayList<>();
        while (entries.hasNext()) {
            records.add(entries.next());
            if (records.size() == REWRITE_BATCH_SIZE || !entries.hasNext()) {
                BatchMark batch = batch(records, BatchMark.Kind.ENTRIES, offset);
                write(batch, records, header, buffer, (from, bytes, count) -> stream.write(bytes, 0, count));
                addOffsets(records, batch, offsets);
                stream.write(batch.commit().encode(header.id()));
                offset = batch.end();
                records.clear();
            }
        }
        return offset;
    }

    private void closeQuietly() {
        try {
            close();
        } catch (IOException e) {
            // the file was replaced, so it can no longer be opened
        }
    }

    private static ByteBuffer buffer(int dimension) {
        return ByteBuffer.allocate(BUFFER_BYTES + LogRecord.maxBytes(dimension) + BatchMark.BYTES)
                .order(ByteOrder.LITTLE_ENDIAN);
    }

    /** Returns the length of the header and the committed batches. */
    long length() {
        return length;
    }

    /** Returns whether a write failed, or the writer was given up. */
    boolean isBroken() {
        return broken;
    }

    /** Accepts no more changes, because only the next opening can tell what is in the file. */
    void giveUp() {
        broken = true;
    }

    private void requireUsable() {
        if (broken) {
            throw new GalleryException(
                    "gallery " + file + " accepts no more changes after a failed write; close it and open it again");
        }
    }

    // ---- batches ----

    /**
     * Appends a batch atomically. It is committed and on the disk when this method returns.
     *
     * @param kind of batch, of entries or of removals
     * @param offsets receives the offsets of new entries, in order
     * @throws GalleryException if the batch cannot be written. Nothing of it is in the file in this case, unless the
     *     disk did not confirm it: then only the next opening can tell whether it was saved, as the message says
     */
    void append(List<? extends LogRecord> records, BatchMark.Kind kind, LongConsumer offsets) {
        requireUsable();
        if (records.isEmpty()) {
            return;
        }
        BatchMark batch = batch(records, kind, length);
        String undone = undone(records.size(), kind);
        requireUnchanged(length, undone);
        boolean written = false;
        try {
            write(batch, records, header, buffer, (offset, bytes, count) -> out.write(offset, bytes, 0, count));
            out.write(batch.commitOffset(), new byte[BatchMark.BYTES], 0, BatchMark.BYTES);
            written = true;
        } catch (IOException e) {
            throw new GalleryException(
                    "cannot write gallery " + file + ": " + AtomicFile.reason(e) + "; " + undone + "; free some space",
                    e);
        } finally {
            if (!written) { // also if memory ran out
                truncateTo(length);
            }
        }
        boolean done = false;
        try {
            out.sync();
            requireUnchanged(batch.end(), undone);
            out.write(batch.commitOffset(), batch.commit().encode(header.id()), 0, BatchMark.BYTES);
            out.sync();
            length = batch.end();
            addOffsets(records, batch, offsets);
            done = true;
        } catch (IOException e) {
            throw notConfirmed(e);
        } finally {
            broken |= !done; // also if memory ran out: offsets and rows would no longer belong together
        }
    }

    /** Returns what did not happen if a batch cannot be written; batches before it stay. */
    private static String undone(int records, BatchMark.Kind kind) {
        String verb = kind == BatchMark.Kind.REMOVALS ? "removed" : "enrolled";
        return records == 1
                ? "the entry of this change was not " + verb
                : "the " + records + " entries of this change were not " + verb;
    }

    /**
     * Throws an exception, and accepts no more changes, if another program writes to the file or has replaced it.
     *
     * @param undone what does not happen in this case
     */
    private void requireUnchanged(long expectedBytes, String undone) {
        String change;
        try {
            long bytes = out.length();
            if (bytes == expectedBytes && Objects.equals(identity, identity(file))) {
                return;
            }
            change = bytes == expectedBytes
                    ? "replaced by another program"
                    : "changed by another program (" + bytes + " bytes instead of " + expectedBytes + ")";
        } catch (NoSuchFileException e) {
            change = "deleted or moved";
        } catch (IOException e) {
            throw new GalleryException("cannot write gallery " + file + ": " + AtomicFile.reason(e) + "; " + undone, e);
        }
        giveUp();
        throw new GalleryException("gallery " + file + " was " + change + " while it was open for writing; " + undone
                + "; let only one program write to it, and close it and open it again"
                + " (containers see each other's lock only if they mount the folder of the gallery, not its"
                + " file alone)");
    }

    /** Returns the device and inode of a file; null on Windows. */
    private static @Nullable Object identity(Path file) throws IOException {
        return Files.readAttributes(file, BasicFileAttributes.class).fileKey();
    }

    private static BatchMark batch(List<? extends LogRecord> records, BatchMark.Kind kind, long offset) {
        long bytes = 0;
        for (LogRecord record : records) {
            bytes += LogRecord.bytes(record);
        }
        return new BatchMark(kind, offset, BatchMark.aligned(bytes), records.size());
    }

    /** Writes the first bytes of an array at an offset of the file. */
    private interface Sink {
        void write(long offset, byte[] bytes, int count) throws IOException;
    }

    /** Writes the beginning of the batch, the records and the padding, but not the commit. */
    private static void write(
            BatchMark batch, List<? extends LogRecord> records, LogHeader header, ByteBuffer buffer, Sink out)
            throws IOException {
        buffer.clear();
        buffer.put(batch.encode(header.id()));
        long written = batch.offset();
        for (LogRecord record : records) {
            LogRecord.write(record, written + buffer.position(), buffer);
            if (buffer.position() >= BUFFER_BYTES) {
                out.write(written, buffer.array(), buffer.position());
                written += buffer.position();
                buffer.clear();
            }
        }
        while (written + buffer.position() < batch.commitOffset()) {
            buffer.put((byte) 0);
        }
        out.write(written, buffer.array(), buffer.position());
    }

    private static void addOffsets(List<? extends LogRecord> records, BatchMark batch, LongConsumer offsets) {
        long offset = batch.offset() + BatchMark.BYTES;
        for (LogRecord record : records) {
            if (record instanceof LogRecord.Enrolled) {
                offsets.accept(offset);
            }
            offset += LogRecord.bytes(record);
        }
    }

    private void truncateTo(long oldLength) {
        boolean truncated = false;
        try {
            out.eraseFrom(oldLength);
            truncated = true;
        } catch (IOException e) {
            // the file ends with the beginning of a batch, which the next opening cuts off
        } finally {
            broken |= !truncated;
        }
    }

    private GalleryException notConfirmed(IOException e) {
        return new GalleryException(
                "the disk did not confirm the last change of gallery " + file + ": " + AtomicFile.reason(e)
                        + "; close it and open it again to see whether the change was saved",
                e);
    }

    // ---- erasing ----

    /**
     * Overwrites entries whose removal is committed. The disk has confirmed it when this method returns.
     *
     * @throws GalleryException if they cannot be overwritten; the next opening for writing tries again
     */
    void erase(List<LogRecord.Removal> removals) {
        try {
            byte[] start = new byte[LogRecord.LENGTH_BYTES];
            for (LogRecord.Removal removal : removals) {
                out.read(removal.offset(), start);
                ByteBuffer read = ByteBuffer.wrap(start).order(ByteOrder.LITTLE_ENDIAN);
                int bodyLength = read.getInt();
                if (read.getInt() != LogRecord.lengthCheck(bodyLength, removal.offset())
                        || !LogRecord.isValidLength(bodyLength, header.dimension())
                        || removal.offset() + LogRecord.LENGTH_BYTES + bodyLength > length) {
                    throw new IOException("there is no entry at byte " + removal.offset());
                }
                byte[] erased = LogRecord.erasedBody(removal.entry(), bodyLength);
                out.write(removal.offset() + LogRecord.LENGTH_BYTES, erased, 0, erased.length);
            }
            out.sync();
        } catch (IOException e) {
            broken = true;
            throw new GalleryException(
                    "entries were removed from gallery " + file + ", but could not be erased from the disk: "
                            + AtomicFile.reason(e)
                            + "; close it and open it for writing again, which retries the erasure",
                    e);
        }
    }

    @Override
    public void close() throws IOException {
        out.close();
    }
}
