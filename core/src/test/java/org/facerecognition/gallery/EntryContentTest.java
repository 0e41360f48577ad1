package org.facerecognition.gallery;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class EntryContentTest {
    private static LogRecord.Enrolled entry(String identity, int number) {
        return new LogRecord.Enrolled(0, identity, "note " + number % 2, null, new float[] {number, 1});
    }

    /** Each record used to read the earlier entries of its name, so that many of one person took quadratic time. */
    @Test
    void readsTheEntriesOfANameOnce() {
        List<LogRecord.Enrolled> there =
                IntStream.range(0, 1_000).mapToObj(i -> entry("ann", i)).toList();
        AtomicInteger reads = new AtomicInteger();
        List<LogRecord.Enrolled> records = new ArrayList<>();
        IntStream.range(500, 1_500).forEach(i -> records.add(entry("Ann", i)));
        records.add(entry("bob", 1));
        records.add(records.get(700));
        List<LogRecord.Enrolled> missing = EntryContent.missing(
                records,
                name -> name.equals("bob")
                        ? new int[0]
                        : IntStream.range(0, 1_000).toArray(),
                row -> {
                    reads.incrementAndGet();
                    return row == 3 ? null : there.get(row);
                });
        assertThat(missing).containsExactlyElementsOf(records.subList(500, 1_001));
        assertThat(reads).hasValue(1_000);
    }

    @Test
    void readsNoFurtherThanItMust() {
        AtomicInteger reads = new AtomicInteger();
        assertThat(EntryContent.missing(
                        List.of(entry("ann", 2), entry("ann", 1)), name -> new int[] {4, 3, 2, 1, 0}, row -> {
                            reads.incrementAndGet();
                            return entry("ann", row);
                        }))
                .isEmpty();
        assertThat(reads).hasValue(4);
    }
}
