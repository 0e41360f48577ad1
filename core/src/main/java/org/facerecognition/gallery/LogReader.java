package org.facerecognition.gallery;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Reads a gallery's file through a buffer of fixed size, and verifies it. */
/*
 * There are two passes. The first goes from batch to batch by their marks, and finds the last commit and the entries
 * that were removed; it reads only the marks of batches of entries. The second pass reads the entries. So a batch that
 * was never committed is not reported, however long it is, and no batch is held in memory as a whole.
 */
final class LogReader {
    private final Path file;
    private final LogBytes bytes;
    private final Map<Long, LogRecord.Removal> removals = new HashMap<>(); // by the offset of the entry
    private final List<LogRecord.Removal> pendingErasures = new ArrayList<>();
    private final LogHeader header;
    private final long headerEnd;

    /**
     * The outcome of reading a file.
     *
     * @param committedBytes length of the header and the committed batches
     * @param tornBytes number of bytes behind them, which belong to a batch that was never committed
     * @param pendingErasures removals that are committed, but whose entry is not erased yet
     */
    record Result(LogHeader header, long committedBytes, long tornBytes, List<LogRecord.Removal> pendingErasures) {}

    /** Receives the contents of the file, in order. */
    interface Sink {
        /** @param offset of the entry in the file */
        void enrolled(LogRecord.Enrolled entry, long offset);

        /** Reports a removed entry that was not reported as enrolled; its id must not be used again. */
        void idTaken(long entry);

        /**
         * Reports the removal of an entry that was reported as enrolled, as in version 1 of the format, or that lies
         * before the bytes that were read.
         */
        void removed(long entry);
    }

    /**
     * Reads the header.
     *
     * @param bytes of the file; borrowed
     */
    private LogReader(Path file, LogBytes bytes) throws IOException {
        this.file = file;
        this.bytes = bytes;
        if (bytes.size() == 0) {
            throw GalleryException.damage("gallery " + file + " is empty, with 0 bytes, as after an interrupted copy;"
                    + " restore a copy, or delete it to begin a new one");
        }
        ByteBuffer start = bytes.at(0, LogHeader.MAX_BYTES);
        this.header = LogHeader.decode(start, "gallery " + file);
        this.headerEnd = start.position();
    }

    /**
     * Reads the header and the records.
     *
     * @param fingerprint the fingerprint that the file must have
     * @param dimension the number of values that the file's embeddings must have
     * @param from end of a batch, before which nothing is read; 0 to read everything
     * @throws GalleryException if the file cannot be read, is damaged, or belongs to another model
     */
    static Result read(Path file, String fingerprint, int dimension, long from, Sink to) {
        try (LogBytes bytes = new LogBytes(file)) {
            LogReader reader = new LogReader(file, bytes);
            ModelBinding.check("gallery " + file, reader.header.info(), fingerprint, dimension, "file");
            return reader.header.version() == 1
                    ? new LogReaderV1(file, bytes, reader.header).read(reader.headerEnd, to)
                    : reader.read(Math.max(from, reader.headerEnd), to);
        } catch (IOException e) {
            throw GalleryException.unreadable(file, e);
        }
    }

    /** Reads only the header. */
    static LogHeader header(Path file) {
        try (LogBytes bytes = new LogBytes(file)) {
            return new LogReader(file, bytes).header;
        } catch (IOException e) {
            throw GalleryException.unreadable(file, e);
        }
    }

    /** Returns whether a batch ends at an offset of a file, or its header does. */
    static boolean endsBatch(Path file, long offset) {
        try (LogBytes bytes = new LogBytes(file)) {
            LogReader reader = new LogReader(file, bytes);
            BatchMark mark = offset < BatchMark.BYTES ? null : reader.mark(offset - BatchMark.BYTES);
            return offset == reader.headerEnd || mark != null && mark.kind() == BatchMark.Kind.COMMIT;
        } catch (IOException e) {
            throw GalleryException.unreadable(file, e);
        }
    }

    private Result read(long from, Sink to) throws IOException {
        List<BatchMark> removalBatches = new ArrayList<>();
        long at = from;
        for (BatchMark batch = committed(at); batch != null; batch = committed(at)) {
            if (batch.kind() == BatchMark.Kind.REMOVALS) {
                removalBatches.add(batch);
            }
            at = batch.end();
        }
        if (at < bytes.size()) {
            checkUncommitted(at);
        }
        for (BatchMark batch : removalBatches) {
            readBatch(batch, record -> {
                LogRecord.Removal removal = (LogRecord.Removal) record;
                removals.put(removal.offset(), removal);
                if (removal.offset() < from) { // before entries are added to people who may have lost theirs
                    removedBefore(removal, to);
                }
            });
        }
        long offset = from;
        while (offset < at) {
            BatchMark batch = committed(offset);
            if (batch == null) {
                throw damaged(offset, offset, "the file was changed while it was read");
            }
            if (batch.kind() == BatchMark.Kind.ENTRIES) {
                readEntries(batch, to);
            } else {
                readBatch(batch, record -> to.idTaken(((LogRecord.Removal) record).entry()));
            }
            offset = batch.end();
        }
        return new Result(header, at, bytes.size() - at, List.copyOf(pendingErasures));
    }

    /** Reports the removal of an entry before the bytes that are read. */
    private void removedBefore(LogRecord.Removal removal, Sink to) throws IOException {
        to.removed(removal.entry());
        ByteBuffer start = bytes.at(removal.offset(), LogRecord.LENGTH_BYTES);
        int length = start.remaining() < LogRecord.LENGTH_BYTES ? -1 : start.getInt();
        if (length < 0
                || start.getInt() != LogRecord.lengthCheck(length, removal.offset())
                || !LogRecord.isValidLength(length, header.dimension())) {
            throw GalleryException.damage("gallery " + file + " is damaged at byte " + removal.offset()
                    + ": there is no entry, but one was removed there; restore a copy, or delete " + SavedIndex.of(file)
                    + " and open the gallery again, which then says how much of it is intact");
        }
        if (!(record(removal.offset(), length) instanceof LogRecord.Erased)) {
            pendingErasures.add(removal);
        }
    }

    private @Nullable BatchMark mark(long at) throws IOException {
        return BatchMark.decode(bytes.at(at, BatchMark.BYTES), at, bytes.size(), header.id());
    }

    /** Returns the committed batch that begins at an offset; null if there is none. */
    private @Nullable BatchMark committed(long at) throws IOException {
        @Nullable BatchMark batch = mark(at);
        if (batch == null || batch.kind() == BatchMark.Kind.COMMIT || batch.end() > bytes.size()) {
            return null;
        }
        @Nullable BatchMark commit = mark(batch.commitOffset());
        return batch.commit().equals(commit) ? batch : null;
    }

    /** Checks that the bytes from an offset to the end of the file were never committed. */
    private void checkUncommitted(long at) throws IOException {
        @Nullable BatchMark mark = mark(at);
        @Nullable BatchMark batch = mark == null || mark.kind() == BatchMark.Kind.COMMIT ? null : mark;
        long commit = firstCommit(at);
        if (commit >= 0) {
            long damage = batch != null && batch.commitOffset() < commit ? batch.commitOffset() : at;
            throw damaged(damage, at, "a batch there does not match its checksum");
        }
        if (batch != null
                && isWhole(batch)
                && !batch.commit().isIncompleteIn(bytes.at(batch.commitOffset(), BatchMark.BYTES), header.id())) {
            throw damaged(batch.commitOffset(), at, "the commit there does not match its checksum");
        }
    }

    private long firstCommit(long from) throws IOException {
        for (long at = from; at + BatchMark.BYTES <= bytes.size(); at += BatchMark.BYTES) {
            @Nullable BatchMark mark = mark(at);
            if (mark != null && mark.kind() == BatchMark.Kind.COMMIT) {
                return at;
            }
        }
        return -1;
    }

    private boolean isWhole(BatchMark batch) throws IOException {
        try {
            readBatch(batch, record -> {});
            return true;
        } catch (GalleryException e) {
            return false;
        }
    }

    private boolean isZero(long from, int count) throws IOException {
        ByteBuffer range = bytes.at(from, count);
        while (range.hasRemaining()) {
            if (range.get() != 0) {
                return false;
            }
        }
        return true;
    }

    private interface Records {
        void add(LogRecord record) throws IOException;
    }

    private void readBatch(BatchMark batch, Records to) throws IOException {
        long at = batch.offset() + BatchMark.BYTES;
        for (int i = 0; i < batch.count(); i++) {
            int length = length(at, batch);
            @Nullable LogRecord record = record(at, length);
            if (record == null || (batch.kind() == BatchMark.Kind.REMOVALS) != (record instanceof LogRecord.Removal)) {
                throw damaged(at, batch.offset(), "a record there does not match its checksum");
            }
            to.add(record);
            at += LogRecord.LENGTH_BYTES + length + LogRecord.CHECK_BYTES;
        }
        checkPadding(at, batch);
    }

    private void readEntries(BatchMark batch, Sink to) throws IOException {
        long at = batch.offset() + BatchMark.BYTES;
        for (int i = 0; i < batch.count(); i++) {
            int length = length(at, batch);
            @Nullable LogRecord record = record(at, length);
            LogRecord.@Nullable Removal removal = removals.get(at);
            if (record instanceof LogRecord.Erased erased) {
                to.idTaken(erased.entry());
            } else if (removal != null) {
                pendingErasures.add(removal);
            } else if (record instanceof LogRecord.Enrolled enrolled) {
                report(enrolled, at, batch, to);
            } else {
                throw damaged(at, batch.offset(), "a record there does not match its checksum");
            }
            at += LogRecord.LENGTH_BYTES + length + LogRecord.CHECK_BYTES;
        }
        checkPadding(at, batch);
    }

    private void report(LogRecord.Enrolled enrolled, long at, BatchMark batch, Sink to) {
        try {
            to.enrolled(enrolled, at);
        } catch (IllegalStateException e) {
            throw damaged(at, batch.offset(), String.valueOf(e.getMessage()));
        }
    }

    private int length(long at, BatchMark batch) throws IOException {
        ByteBuffer start = bytes.at(at, LogRecord.LENGTH_BYTES);
        int length = start.remaining() < LogRecord.LENGTH_BYTES ? -1 : start.getInt();
        if (length < 0
                || start.getInt() != LogRecord.lengthCheck(length, at)
                || !LogRecord.isValidLength(length, header.dimension())
                || at + LogRecord.LENGTH_BYTES + length + LogRecord.CHECK_BYTES > batch.commitOffset()) {
            throw damaged(at, batch.offset(), "the length there does not match its checksum");
        }
        return length;
    }

    /** Returns null if the body is not a record, or does not match its checksum. */
    private @Nullable LogRecord record(long at, int length) throws IOException {
        int checkedLength = length + LogRecord.CHECK_BYTES;
        ByteBuffer body = bytes.at(at + LogRecord.LENGTH_BYTES, checkedLength);
        if (body.remaining() < checkedLength) {
            return null;
        }
        int start = body.position();
        if (body.getInt(start + length) != LogRecord.check(body.array(), start, length)) {
            return null;
        }
        return LogRecord.read(body.slice(start, length), header.dimension(), header.version());
    }

    private void checkPadding(long at, BatchMark batch) throws IOException {
        long padding = batch.commitOffset() - at;
        if (padding < 0 || padding >= BatchMark.BYTES || !isZero(at, (int) padding)) {
            throw damaged(at, batch.offset(), "the bytes up to the commit must be zeros");
        }
    }

    private GalleryException damaged(long at, long intactBytes, String how) {
        return damaged(file, at, intactBytes, how);
    }

    static GalleryException damaged(Path file, long at, long intactBytes, String how) {
        return GalleryException.damage("gallery " + file + " is damaged at byte " + at + ": " + how
                + "; restore a copy, or truncate the file to " + intactBytes + " bytes to keep the changes before");
    }
}
