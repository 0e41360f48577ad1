package org.facerecognition.gallery;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A search that has begun before many changes finds what was there when it began. */
class EarlierViewTest {
    private static final int D = 32;

    private static void add(Segment segment, String identity, float[] embedding) {
        int row = segment.rows().count();
        segment.reserve(row + 1);
        segment.append(
                List.of(new LogRecord.Enrolled(row + 1L, identity, null, null, UnitVector.of(embedding, D, "image"))));
        segment.indexFrom(row);
    }

    @ParameterizedTest
    @CsvSource({"EXACT, 600", "RABITQ, 600", "HNSW, 600", "RABITQ, 6000", "HNSW, 6000"})
    void findsTheOnlyEntryOfAViewAfterManyMoreWereAdded(SearchMethod method, int more) {
        float[] first = TestFaces.direction(0, D);
        try (Segment segment = new MemorySegment(D, method)) {
            add(segment, "p0", first);
            Rows.View earlier = segment.rows().view();
            for (int i = 1; i < more; i++) {
                boolean same = i % 3 != 0 && i < 600;
                add(segment, same ? "p0" : "p" + i, TestFaces.of(same ? 0 : i, i, D));
            }
            List<Hit> hits = segment.nearest(List.of(first), earlier, 3, 100).get(0);
            assertThat(hits).extracting(Hit::row).containsExactly(0);
        }
    }

    /** Nodes of a graph that no path leads to are found too. */
    @ParameterizedTest
    @CsvSource({"EXACT, 6000", "RABITQ, 6000", "HNSW, 600", "HNSW, 6000"})
    void findsAllIdentitiesIfAllAreAskedFor(SearchMethod method, int people) {
        try (Segment segment = new MemorySegment(D, method)) {
            for (int i = 0; i < people; i++) {
                add(segment, "p" + i, TestFaces.direction(i % 100 == 0 ? i : i / 100 * 100, D)); // many are alike
            }
            List<Hit> hits = segment.nearest(
                            List.of(TestFaces.direction(7, D)), segment.rows().view(), people, 100)
                    .get(0);
            assertThat(hits).hasSize(people);
        }
    }
}
