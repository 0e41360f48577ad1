package org.facerecognition.gallery;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Reads files in version 1 of the format, which had no batches and is no longer written. */
/*
 * A process that was killed while it wrote left the beginning of a record: fewer bytes than a length and its checksum,
 * or a correct length that reaches past the end of the file. A power failure may have left zeros at the end. A record
 * that is followed only by zeros, or has zeros in place of its checksum, was not written completely either.
 *
 * Version 1 distinguished all names that were not equal, so a removed identity is looked up by its exact name.
 */
final class LogReaderV1 {
    private final Path file;
    private final LogBytes bytes;
    private final LogHeader header;
    private final Map<String, List<Long>> entriesOf = new HashMap<>();
    private long at;

    LogReaderV1(Path file, LogBytes bytes, LogHeader header) {
        this.file = file;
        this.bytes = bytes;
        this.header = header;
    }

    /** @param from offset of the first record, behind the header */
    LogReader.Result read(long from, LogReader.Sink to) throws IOException {
        at = from;
        for (LogRecord record = next(to); record != null; record = next(to)) {
            // next reports the record
        }
        return new LogReader.Result(header, at, bytes.size() - at, List.of());
    }

    /** Reads and reports a record; returns null at the end, or at a record that was not written completely. */
    private @Nullable LogRecord next(LogReader.Sink to) throws IOException {
        ByteBuffer start = bytes.at(at, LogRecord.LENGTH_BYTES);
        if (start.remaining() < LogRecord.LENGTH_BYTES) {
            return null;
        }
        int length = start.getInt();
        if (start.getInt() != LogRecord.lengthCheck(length, at)) {
            if (bytes.onlyZerosFrom(at + LogRecord.LENGTH_BYTES)) { // a body is never zero
                return null;
            }
            throw damaged("the length there does not match its checksum");
        }
        if (!LogRecord.isValidLength(length, header.dimension())) {
            throw damaged("a record there has an impossible length");
        }
        long bodyAt = at + LogRecord.LENGTH_BYTES;
        ByteBuffer body = bytes.at(bodyAt, length + LogRecord.CHECK_BYTES);
        if (body.remaining() < length + LogRecord.CHECK_BYTES) {
            return null;
        }
        int bodyStart = body.position();
        if (body.getInt(bodyStart + length) != LogRecord.check(body.array(), bodyStart, length)) {
            long end = bodyAt + length + LogRecord.CHECK_BYTES;
            if (bytes.onlyZerosFrom(end < bytes.size() ? end : bodyAt + length)) {
                return null;
            }
            throw damaged("a record there does not match its checksum");
        }
        @Nullable LogRecord record = LogRecord.read(body.slice(bodyStart, length), header.dimension(), 1);
        if (record == null) {
            throw damaged("a record there is of an unknown kind");
        }
        report(record, to);
        at = bodyAt + length + LogRecord.CHECK_BYTES;
        return record;
    }

    private void report(LogRecord record, LogReader.Sink to) {
        try {
            if (record instanceof LogRecord.Enrolled enrolled) {
                to.enrolled(enrolled, at);
                entriesOf
                        .computeIfAbsent(enrolled.identity(), name -> new ArrayList<>())
                        .add(enrolled.entry());
            } else if (record instanceof LogRecord.EntryRemoved removed) {
                to.removed(removed.entry());
            } else if (record instanceof LogRecord.IdentityRemoved removed) {
                @Nullable List<Long> entries = entriesOf.remove(removed.identity());
                if (entries != null) {
                    entries.forEach(to::removed);
                }
            }
        } catch (IllegalStateException e) {
            throw damaged(String.valueOf(e.getMessage()));
        }
    }

    private GalleryException damaged(String how) {
        return LogReader.damaged(file, at, at, how);
    }
}
