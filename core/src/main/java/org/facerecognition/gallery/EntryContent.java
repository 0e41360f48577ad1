package org.facerecognition.gallery;

import java.nio.ByteBuffer;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What makes two entries the same for {@link Gallery#enrollMissing}.
 *
 * @param nameKey of the identity
 * @param embedding the values of the L2-normalized embedding
 */
record EntryContent(
        String nameKey, @Nullable String note, @Nullable String contentKey, ByteBuffer embedding) {
    private static EntryContent of(LogRecord.Enrolled record) {
        ByteBuffer values = ByteBuffer.allocate(Float.BYTES * record.unit().length);
        values.asFloatBuffer().put(record.unit());
        return new EntryContent(Names.key(record.identity()), record.note(), record.contentKey(), values);
    }

    /** Returns the records without those that are the same as an earlier one, in order. */
    static Collection<LogRecord.Enrolled> distinct(List<LogRecord.Enrolled> records) {
        Map<EntryContent, LogRecord.Enrolled> distinct = new LinkedHashMap<>();
        records.forEach(record -> distinct.putIfAbsent(of(record), record));
        return distinct.values();
    }
}
