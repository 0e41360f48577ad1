package org.facerecognition.gallery;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Reads a gallery's file, in pieces of one size. */
/*
 * Two passes. The first goes from batch to batch by their marks, and finds where the last commit is and which entries
 * were removed; of batches of entries it reads the marks only. The second reads the entries. So nothing of a batch
 * that was never committed is seen, however long it is, and no batch is held in memory.
 */
final class LogReader implements AutoCloseable {
    private final Path file;
    private final LogBytes bytes;
    private final Map<Long, LogRecord.Removal> removals = new HashMap<>(); // by the place of the entry
    private final List<LogRecord.Removal> unfinished = new ArrayList<>();
    private LogHeader header;
    private long end; // of the header

    /**
     * What was read.
     *
     * @param goodBytes length of the header and the committed batches
     * @param tornBytes behind them, of a batch that was never committed
     * @param unfinished removals that are committed while the entry is not erased yet
     */
    record End(LogHeader header, long goodBytes, long tornBytes, List<LogRecord.Removal> unfinished) {}

    /** Gets what is in the file, in order. */
    interface Sink {
        /** @param place where the entry lies in the file */
        void enrolled(LogRecord.Enrolled entry, long place);

        /** An entry that is removed and not reported as enrolled: its id is not free. */
        void gone(long entry);

        /** An entry that was reported before is removed; of version 1 only. */
        void removed(long entry);
    }

    private LogReader(Path file) throws IOException {
        this.file = file;
        this.bytes = new LogBytes(file);
    }

    /**
     * Reads header and records.
     *
     * @param fingerprint and {@code dimension}: what the file must be of
     * @throws GalleryException when it cannot be read, is another model's or is damaged
     */
    static End read(Path file, String fingerprint, int dimension, Sink to) {
        try (LogReader reader = new LogReader(file)) {
            LogHeader header = reader.readHeader();
            checkSame(file, header, fingerprint, dimension);
            return header.version() == 1
                    ? new FormerLog(file, reader.bytes, header).read(reader.end, to)
                    : reader.read(to);
        } catch (IOException e) {
            throw new GalleryException("cannot read gallery " + file + ": " + e.getMessage(), e);
        }
    }

    /** Reads the header alone. */
    static LogHeader header(Path file) {
        try (LogReader reader = new LogReader(file)) {
            return reader.readHeader();
        } catch (IOException e) {
            throw new GalleryException("cannot read gallery " + file + ": " + e.getMessage(), e);
        }
    }

    private static void checkSame(Path file, LogHeader header, String fingerprint, int dimension) {
        if (!header.fingerprint().equals(fingerprint)) {
            throw new GalleryException("gallery " + file + " holds embeddings of the model " + header.fingerprint()
                    + ", which cannot be compared with those of " + fingerprint
                    + "; use that model, or embed the images anew into another file");
        }
        if (header.dimension() != dimension) {
            throw new GalleryException("gallery " + file + " holds embeddings of " + header.dimension()
                    + " values, which cannot be compared with those of " + dimension
                    + "; use the model that they are of, or embed the images anew into another file");
        }
    }

    private LogHeader readHeader() throws IOException {
        ByteBuffer start = bytes.at(0, LogHeader.MAX_BYTES);
        header = LogHeader.decode(start, "gallery " + file);
        end = start.position();
        return header;
    }

    private End read(Sink to) throws IOException {
        List<BatchMark> removalBatches = new ArrayList<>();
        long at = end;
        for (BatchMark batch = committed(at); batch != null; batch = committed(at)) {
            if (batch.kind() == BatchMark.Kind.REMOVALS) {
                removalBatches.add(batch);
            }
            at = batch.end();
        }
        if (at < bytes.size()) {
            checkUnfinished(at);
        }
        for (BatchMark batch : removalBatches) {
            readBatch(batch, record -> {
                LogRecord.Removal removal = (LogRecord.Removal) record;
                removals.put(removal.place(), removal);
            });
        }
        long place = end;
        while (place < at) {
            BatchMark batch = committed(place);
            if (batch == null) {
                throw damaged(place, place, "the file was changed while it was read");
            }
            if (batch.kind() == BatchMark.Kind.ENTRIES) {
                readEntries(batch, to);
            } else {
                readBatch(batch, record -> to.gone(((LogRecord.Removal) record).entry()));
            }
            place = batch.end();
        }
        return new End(header, at, bytes.size() - at, List.copyOf(unfinished));
    }

    private @Nullable BatchMark mark(long at) throws IOException {
        return BatchMark.decode(bytes.at(at, BatchMark.BYTES), at, bytes.size(), header.id());
    }

    /** The batch that begins here and is committed; null when there is none. */
    private @Nullable BatchMark committed(long at) throws IOException {
        @Nullable BatchMark batch = mark(at);
        if (batch == null || batch.kind() == BatchMark.Kind.COMMIT || batch.end() > bytes.size()) {
            return null;
        }
        @Nullable BatchMark commit = mark(batch.commitPlace());
        return batch.commit().equals(commit) ? batch : null;
    }

    /** What is here and behind must never have been committed. */
    private void checkUnfinished(long at) throws IOException {
        @Nullable BatchMark batch = mark(at);
        boolean begins = batch != null && batch.kind() != BatchMark.Kind.COMMIT;
        long commit = firstCommit(at);
        if (commit >= 0) {
            boolean another = begins && batch.commitPlace() < commit;
            throw damaged(another ? batch.commitPlace() : at, at, "a batch there does not fit its checksum");
        }
        if (begins
                && isWhole(batch)
                && !batch.commit().isUnfinished(bytes.at(batch.commitPlace(), BatchMark.BYTES), header.id())) {
            throw damaged(batch.commitPlace(), at, "the commit there does not fit its checksum");
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
        ByteBuffer some = bytes.at(from, count);
        while (some.hasRemaining()) {
            if (some.get() != 0) {
                return false;
            }
        }
        return true;
    }

    private interface Records {
        void add(LogRecord record);
    }

    private void readBatch(BatchMark batch, Records to) throws IOException {
        long at = batch.place() + BatchMark.BYTES;
        for (int i = 0; i < batch.count(); i++) {
            int length = length(at, batch);
            @Nullable LogRecord record = record(at, length);
            if (record == null || (batch.kind() == BatchMark.Kind.REMOVALS) != (record instanceof LogRecord.Removal)) {
                throw damaged(at, batch.place(), "a record there does not fit its checksum");
            }
            to.add(record);
            at += LogRecord.LENGTH_BYTES + length + LogRecord.CHECK_BYTES;
        }
        checkPadding(at, batch);
    }

    private void readEntries(BatchMark batch, Sink to) throws IOException {
        long at = batch.place() + BatchMark.BYTES;
        for (int i = 0; i < batch.count(); i++) {
            int length = length(at, batch);
            @Nullable LogRecord record = record(at, length);
            LogRecord.@Nullable Removal removal = removals.get(at);
            if (record instanceof LogRecord.Erased erased) {
                to.gone(erased.entry());
            } else if (removal != null) {
                unfinished.add(removal);
            } else if (record instanceof LogRecord.Enrolled enrolled) {
                give(enrolled, at, batch, to);
            } else {
                throw damaged(at, batch.place(), "a record there does not fit its checksum");
            }
            at += LogRecord.LENGTH_BYTES + length + LogRecord.CHECK_BYTES;
        }
        checkPadding(at, batch);
    }

    private void give(LogRecord.Enrolled enrolled, long at, BatchMark batch, Sink to) {
        try {
            to.enrolled(enrolled, at);
        } catch (IllegalStateException e) {
            throw damaged(at, batch.place(), e.getMessage());
        }
    }

    private int length(long at, BatchMark batch) throws IOException {
        ByteBuffer start = bytes.at(at, LogRecord.LENGTH_BYTES);
        int length = start.remaining() < LogRecord.LENGTH_BYTES ? -1 : start.getInt();
        if (length < 0
                || start.getInt() != LogRecord.lengthCheck(length, at)
                || !LogRecord.canBe(length, header.dimension())
                || at + LogRecord.LENGTH_BYTES + length + LogRecord.CHECK_BYTES > batch.commitPlace()) {
            throw damaged(at, batch.place(), "the length there does not fit its checksum");
        }
        return length;
    }

    /** Null when the body is none, or does not fit its checksum. */
    private @Nullable LogRecord record(long at, int length) throws IOException {
        int whole = length + LogRecord.CHECK_BYTES;
        ByteBuffer body = bytes.at(at + LogRecord.LENGTH_BYTES, whole);
        if (body.remaining() < whole) {
            return null;
        }
        int start = body.position();
        if (body.getInt(start + length) != LogRecord.check(body.array(), start, length)) {
            return null;
        }
        return LogRecord.read(body.slice(start, length), header.dimension(), header.version());
    }

    private void checkPadding(long at, BatchMark batch) throws IOException {
        long padding = batch.commitPlace() - at;
        if (padding < 0 || padding >= BatchMark.BYTES || !isZero(at, (int) padding)) {
            throw damaged(at, batch.place(), "there must be zeros up to the commit");
        }
    }

    private GalleryException damaged(long at, long keep, String how) {
        return damaged(file, at, keep, how);
    }

    static GalleryException damaged(Path file, long at, long keep, String how) {
        return new GalleryException("gallery " + file + " is damaged at byte " + at + ": " + how
                + "; use a copy, or cut the file to " + keep + " bytes to keep what is before");
    }

    @Override
    public void close() throws IOException {
        bytes.close();
    }
}
