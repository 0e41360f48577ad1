package org.facerecognition.gallery;

import java.util.Arrays;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Entries to be enrolled together in PostgreSQL.
 *
 * @param attributes of each record, as JSON
 */
record PostgresBatch(List<LogRecord.Enrolled> records, List<String> attributes) {
    /** @throws IllegalArgumentException if one of them cannot be enrolled */
    static PostgresBatch of(List<Enrollment> enrollments, int dimension) {
        List<LogRecord.Enrolled> records = GalleryArguments.records(enrollments, dimension);
        records.forEach(record -> {
            requireStorable(record.note());
            requireStorable(record.contentKey());
        });
        return new PostgresBatch(
                records,
                enrollments.stream()
                        .map(enrollment -> Attributes.json(enrollment.attributes()))
                        .toList());
    }

    private static void requireStorable(@Nullable String text) {
        if (text != null) {
            PostgresGallery.storable(text);
        }
    }

    /** Returns the batch without entries that are the same as an earlier one of it. */
    PostgresBatch distinct() {
        Set<LogRecord.Enrolled> distinct = Collections.newSetFromMap(new IdentityHashMap<>());
        distinct.addAll(EntryContent.distinct(records));
        return select(IntStream.range(0, records.size())
                .filter(i -> distinct.contains(records.get(i)))
                .toArray());
    }

    /** Returns some of the entries. */
    PostgresBatch select(int[] rows) {
        return new PostgresBatch(
                Arrays.stream(rows).mapToObj(records::get).toList(),
                Arrays.stream(rows).mapToObj(attributes::get).toList());
    }

    /** Returns the entries from one to before another. */
    PostgresBatch part(int from, int to) {
        return new PostgresBatch(records.subList(from, to), attributes.subList(from, to));
    }
}
