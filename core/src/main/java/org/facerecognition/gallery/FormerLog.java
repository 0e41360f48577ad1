package org.facerecognition.gallery;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Reads files of version 1 of the format, which had no batches; nothing is written in it any more. */
/*
 * A process that was killed while it wrote left the beginning of a record: fewer bytes than a length and its checksum,
 * or a length that is right and goes beyond the end of the file. A machine that lost power may have left zeros at the
 * end. What is followed by zeros only, or has them in place of its checksum, was never finished either.
 *
 * Names were one only when they were equal, so that an identity that was removed is looked up by its very name.
 */
final class FormerLog {
    private final Path file;
    private final LogBytes bytes;
    private final LogHeader header;
    private final Map<String, List<Long>> entriesOf = new HashMap<>();
    private long at;

    FormerLog(Path file, LogBytes bytes, LogHeader header) {
        this.file = file;
        this.bytes = bytes;
        this.header = header;
    }

    /** @param from where the header ends */
    LogReader.End read(long from, LogReader.Sink to) throws IOException {
        at = from;
        for (LogRecord record = next(to); record != null; record = next(to)) {
            // each is given on before the next is read
        }
        return new LogReader.End(header, at, bytes.size() - at, List.of());
    }

    /** @return null at the end, or where a record begins that was never finished */
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
            throw damaged("the length there does not fit its checksum");
        }
        if (!LogRecord.canBe(length, header.dimension())) {
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
            throw damaged("a record there does not fit its checksum");
        }
        @Nullable LogRecord record = LogRecord.read(body.slice(bodyStart, length), header.dimension(), 1);
        if (record == null) {
            throw damaged("a record there is of a kind that this version does not know");
        }
        give(record, to);
        at = bodyAt + length + LogRecord.CHECK_BYTES;
        return record;
    }

    private void give(LogRecord record, LogReader.Sink to) {
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
            throw damaged(e.getMessage());
        }
    }

    private GalleryException damaged(String how) {
        return LogReader.damaged(file, at, at, how);
    }
}
