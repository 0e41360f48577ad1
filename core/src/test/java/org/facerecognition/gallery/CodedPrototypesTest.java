package org.facerecognition.gallery;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class CodedPrototypesTest {
    private static final int D = 16;
    private static final int IMAGES = 3_000;

    private final Rows rows = new Rows(new MemoryTexts());
    private final CodedPrototypes prototypes = new CodedPrototypes(new SignCodes(D));

    private Rows.View add(String identity, int count) {
        float[] unit = TestFaces.direction(identity.hashCode(), D);
        int first = rows.count();
        prototypes.reserveRows(first + count);
        for (int i = 0; i < count; i++) {
            rows.add(rows.count() + 1, identity, null, null);
        }
        Rows.View view = rows.view();
        prototypes.add(first, Collections.nCopies(count, unit), view, wanted -> List.of());
        return view;
    }

    /** Each removed row used to be looked for in all prototypes of its identity. */
    @Test
    void findsThePrototypesOfManyRemovedRows() {
        add("Anna", IMAGES);
        add("Berta", 3);
        Rows.View view = add("Anna", IMAGES);
        int all = prototypes.searchable();
        int[] anna = rows.of("Anna"); // the newest first
        List<int[]> removals = List.of(
                anna,
                new int[] {anna[0]},
                new int[] {anna[IMAGES]},
                Arrays.copyOfRange(anna, IMAGES / 2, IMAGES),
                IntStream.range(0, anna.length)
                        .filter(i -> i % 500 == 0)
                        .map(i -> anna[i])
                        .toArray(),
                new int[] {anna[anna.length - 1], rows.of("Berta")[1]},
                new int[0]);
        for (int[] removed : removals) {
            List<Integer> gone = Arrays.stream(removed).boxed().toList();
            int[] expected = IntStream.range(0, all)
                    .filter(number ->
                            Arrays.stream(prototypes.rows(number, view)).anyMatch(gone::contains))
                    .toArray();
            assertThat(prototypes.of(removed, view)).containsExactlyInAnyOrder(expected);
        }
    }
}
