package org.facerecognition.gallery;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.IntFunction;
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
        return byContent(records).values();
    }

    private static Map<EntryContent, LogRecord.Enrolled> byContent(List<LogRecord.Enrolled> records) {
        Map<EntryContent, LogRecord.Enrolled> distinct = new LinkedHashMap<>();
        records.forEach(record -> distinct.putIfAbsent(of(record), record));
        return distinct;
    }

    /**
     * Returns the records that are neither the same as an earlier one nor as an entry that is there, in order. The
     * entries of a name are read once at most, however many records have it.
     *
     * @param rowsOf returns the rows of an identity's entries
     * @param entries returns the entry of a row; null if it was erased
     */
    static List<LogRecord.Enrolled> missing(
            List<LogRecord.Enrolled> records,
            Function<String, int[]> rowsOf,
            IntFunction<LogRecord.@Nullable Enrolled> entries) {
        Map<EntryContent, LogRecord.Enrolled> missing = byContent(records);
        Map<String, Integer> missingOf = new HashMap<>(); // by the key of the name
        missing.keySet().forEach(content -> missingOf.merge(content.nameKey(), 1, Integer::sum));
        for (LogRecord.Enrolled record : records) {
            @Nullable Integer count = missingOf.remove(Names.key(record.identity()));
            int left = count == null ? 0 : count; // null behind the first record of a name
            int[] rows = left == 0 ? new int[0] : rowsOf.apply(record.identity());
            for (int i = 0; i < rows.length && left > 0; i++) {
                LogRecord.@Nullable Enrolled there = entries.apply(rows[i]);
                left -= there != null && missing.remove(of(there)) != null ? 1 : 0;
            }
        }
        return new ArrayList<>(missing.values());
    }
}
