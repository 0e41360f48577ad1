package org.facerecognition.gallery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The results of a gallery, for every search method. */
class GalleryTest {
    private static final int D = 64;

    private static Gallery gallery(SearchMethod method) {
        return Gallery.inMemory("model", D, method);
    }

    private static float[] axis(int i, float length) {
        float[] values = new float[D];
        values[i] = length;
        return values;
    }

    @ParameterizedTest
    @EnumSource
    void emptyGalleriesReturnUnknown(SearchMethod method) {
        try (Gallery gallery = gallery(method)) {
            Outcome outcome = gallery.identify(axis(0, 1), 3, -1);

            assertThat(outcome.isKnown()).isFalse();
            assertThat(outcome.matches()).isEmpty();
            assertThat(outcome.best()).isEmpty();
            assertThat(((Outcome.Unknown) outcome).nearest()).isEmpty();
            assertThat(gallery.size()).isZero();
            assertThat(gallery.identities()).isEmpty();
            assertThat(gallery.identify(List.of(), 3, 0)).isEmpty();
        }
    }

    /** Memory used to be allocated for topK results, and was exhausted. */
    @ParameterizedTest
    @EnumSource
    void topKMayExceedTheNumberOfIdentities(SearchMethod method) {
        try (Gallery gallery = gallery(method)) {
            for (int person = 0; person < 5; person++) {
                gallery.enroll("p" + person, TestFaces.direction(person, D));
            }
            assertThat(gallery.identify(List.of(axis(0, 1), axis(1, 1)), Integer.MAX_VALUE, -1))
                    .allSatisfy(outcome -> assertThat(outcome.matches()).hasSize(5));
        }
    }

    /** A calibrated threshold can be the next number above 1, which no cosine reaches; it used to be rejected. */
    @Test
    void acceptsAThresholdThatNoCosineReaches() {
        try (Gallery gallery = gallery(SearchMethod.EXACT)) {
            gallery.enroll("a", axis(0, 1));
            assertThat(gallery.identify(axis(0, 1), 1, 1).isKnown()).isTrue();
            assertThat(gallery.identify(axis(0, 1), 1, Math.nextUp(1.0)).isKnown())
                    .isFalse();
            assertThatThrownBy(() -> gallery.identify(axis(0, 1), 1, 1.0001))
                    .hasMessage("threshold must be a cosine in [-1, 1], but was 1.0001");
        }
    }

    @ParameterizedTest
    @EnumSource
    void anEntryMatchesAtOrAboveTheThreshold(SearchMethod method) {
        try (Gallery gallery = gallery(method)) {
            float[] embedding = axis(0, 3);
            embedding[1] = 4;
            long id = gallery.enroll("Анна 🙂", embedding, "a.jpg");

            Match match = new Match("Анна 🙂", id, (double) 0.6f, "a.jpg");
            assertThat(gallery.identify(axis(0, 7), 5, 0.6)).isEqualTo(new Outcome.Known(List.of(match)));
            Outcome unknown = gallery.identify(axis(0, 7), 5, 0.6000001);
            assertThat(unknown).isInstanceOf(Outcome.Unknown.class);
            assertThat(((Outcome.Unknown) unknown).nearest()).contains(match);
            assertThat(gallery.identify(axis(0, -7), 1, -1).best().orElseThrow().cosine())
                    .isEqualTo(-(double) 0.6f);
            assertThat(gallery.entries()).containsExactly(new Entry(id, "Анна 🙂", "a.jpg"));
            assertThat(gallery.embedding(id).orElseThrow()[1]).isEqualTo(0.8f);
            assertThat(gallery.embedding(id + 1)).isEmpty();
        }
    }

    @ParameterizedTest
    @EnumSource
    void returnsEachIdentityOnceWithItsBestEntry(SearchMethod method) {
        try (Gallery gallery = gallery(method)) {
            for (int image = 0; image < 50; image++) { // more of one identity than a search requests
                gallery.enroll("often", TestFaces.of(1, image, D));
            }
            gallery.enroll("seldom", TestFaces.of(2, 0, D));
            gallery.enroll("never", TestFaces.of(3, 0, D));
            float[] probe = TestFaces.of(1, 99, D);

            List<Match> matches = gallery.identify(probe, 3, -1).matches();

            assertThat(matches).extracting(Match::identity).hasSize(3).doesNotHaveDuplicates();
            double best = 0;
            for (int image = 0; image < 50; image++) {
                best = Math.max(best, TestFaces.cosine(probe, TestFaces.of(1, image, D)));
            }
            assertThat(matches.get(0).identity()).isEqualTo("often");
            assertThat(matches.get(0).cosine()).isCloseTo(best, within(1e-6));
            assertThat(gallery.identify(probe, 3, 0.5).matches()).hasSize(1);
            assertThat(gallery.identities()).isEqualTo(Map.of("often", 50, "seldom", 1, "never", 1));
        }
    }

    /** Compares with a straightforward search in double precision. */
    @ParameterizedTest
    @EnumSource
    void findsTheSameIdentitiesAsAPlainSearch(SearchMethod method) {
        int people = 300;
        int each = 4;
        try (Gallery gallery = gallery(method)) {
            List<Enrollment> all = new ArrayList<>();
            for (int i = 0; i < people * each; i++) {
                all.add(new Enrollment("p" + i % people, TestFaces.of(i % people, i / people, D)));
            }
            gallery.enroll(all.subList(0, 7));
            gallery.enroll(all.subList(7, all.size()));
            gallery.remove("p5");
            gallery.remove(1); // of p0
            List<float[]> probes = new ArrayList<>();
            for (int person = 0; person < 100; person++) {
                probes.add(TestFaces.of(person, 77, D));
            }

            List<Outcome> outcomes = gallery.identify(probes, 10, -1);

            int missed = 0;
            for (int p = 0; p < probes.size(); p++) {
                Map<String, Double> best = new HashMap<>();
                for (int i = 1; i < all.size(); i++) {
                    if (!all.get(i).identity().equals("p5")) {
                        double cosine =
                                TestFaces.cosine(probes.get(p), all.get(i).embedding());
                        best.merge(all.get(i).identity(), cosine, Math::max);
                    }
                }
                List<String> expected = best.entrySet().stream()
                        .sorted(Map.Entry.<String, Double>comparingByValue(Comparator.reverseOrder()))
                        .limit(10)
                        .map(Map.Entry::getKey)
                        .toList();
                List<Match> matches = outcomes.get(p).matches();
                List<String> found = matches.stream().map(Match::identity).toList();
                missed += method == SearchMethod.EXACT && !found.equals(expected) ? 1 : 0;
                missed += found.get(0).equals(expected.get(0)) ? 0 : 1;
                for (Match match : matches) {
                    assertThat(match.cosine()).isCloseTo(best.get(match.identity()), within(1e-6));
                }
                assertThat(outcomes.get(p)).isEqualTo(gallery.identify(probes.get(p), 10, -1));
            }
            assertThat(missed).isLessThanOrEqualTo(method == SearchMethod.EXACT ? 0 : 1);
        }
    }

    /** The gallery spans several blocks of memory with equal embeddings in each; the last block is not full. */
    @Test
    void breaksTiesByTheOrderOfEnrollment() {
        int dimension = 4096; // 2,048 rows per block
        float[] twin = TestFaces.direction(1, dimension);
        try (Gallery gallery = Gallery.inMemory("model", dimension)) {
            Random random = new Random(5);
            List<Enrollment> all = new ArrayList<>();
            for (int i = 0; i < 5_001; i++) {
                all.add(new Enrollment("p" + i, i % 2 == 1 ? twin : random(random, dimension)));
            }
            gallery.enroll(all);

            List<Outcome> both = gallery.identify(List.of(twin, random(random, dimension)), 4, 0.5);
            assertThat(both.get(0).matches()).extracting(Match::identity).containsExactly("p1", "p3", "p5", "p7");
            assertThat(both.get(1)).isInstanceOf(Outcome.Unknown.class);
            gallery.remove("p3");
            gallery.remove("p5");
            assertThat(gallery.identify(twin, 3, 0.5).matches())
                    .extracting(Match::identity)
                    .containsExactly("p1", "p7", "p9");
            assertThat(gallery.identify(twin, 10_000, -1).matches()).hasSize(4_999);
        }
    }

    private static float[] random(Random random, int dimension) {
        float[] values = new float[dimension];
        for (int i = 0; i < dimension; i++) {
            values[i] = random.nextFloat() - 0.5f;
        }
        return values;
    }

    @ParameterizedTest
    @EnumSource
    void removedEntriesAreNotFoundAndIdsAreNotReused(SearchMethod method) {
        try (Gallery gallery = gallery(method)) {
            long first = gallery.enroll("a", axis(0, 1));
            long second = gallery.enroll("a", axis(1, 1));
            gallery.enroll("b", axis(2, 1));

            assertThat(gallery.remove(second)).isTrue();
            assertThat(gallery.remove(second)).isFalse();
            assertThat(gallery.remove(99)).isFalse();
            assertThat(gallery.identify(axis(1, 1), 1, 0.5).isKnown()).isFalse();
            assertThat(gallery.identify(axis(0, 1), 1, 0.5).best().orElseThrow().entry())
                    .isEqualTo(first);
            assertThat(gallery.remove("a")).isEqualTo(1);
            assertThat(gallery.remove("a")).isZero();
            assertThat(gallery.remove("nobody")).isZero();
            assertThat(gallery.size()).isEqualTo(1);
            long again = gallery.enroll("a", axis(0, 1));
            assertThat(again).isGreaterThan(3);
            gallery.compact();
            assertThat(gallery.entries()).extracting(Entry::id).containsExactly(3L, again);
            assertThat(gallery.identify(axis(0, 1), 5, 0.5).matches()).hasSize(1);
            gallery.remove("a");
            gallery.remove("b");
            assertThat(gallery.identify(axis(0, 1), 5, -1).isKnown()).isFalse();
            gallery.compact();
            assertThat(gallery.identify(axis(0, 1), 5, -1).isKnown()).isFalse();
            assertThat(gallery.enroll("c", axis(0, 1))).isGreaterThan(again);
        }
    }

    @Test
    void ignoresTheNormOfEmbeddings() {
        try (Gallery gallery = Gallery.inMemory("model", 2)) {
            gallery.enroll("tiny", new float[] {Float.MIN_VALUE, Float.MIN_VALUE});
            gallery.enroll("huge", new float[] {Float.MAX_VALUE, -Float.MAX_VALUE});
            assertThat(gallery.identify(new float[] {1e-30f, 1e-30f}, 1, 0.99)
                            .best()
                            .orElseThrow()
                            .identity())
                    .isEqualTo("tiny");
            assertThat(gallery.identify(new float[] {3e38f, -3e38f}, 1, 0.99)
                            .best()
                            .orElseThrow()
                            .identity())
                    .isEqualTo("huge");
        }
    }

    @Test
    void rejectsInvalidEmbeddingsAndArguments() {
        try (Gallery gallery = gallery(SearchMethod.EXACT)) {
            assertThatThrownBy(() -> gallery.enroll("a", new float[3]))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("embedding of a must have 64 values like this gallery's, but has 3");
            assertThatThrownBy(() -> gallery.enroll("a", new float[D]))
                    .hasMessage("embedding of a must not be zero: it has no direction");
            assertThatThrownBy(() -> gallery.enroll("a", axis(7, Float.NaN)))
                    .hasMessage("embedding of a must have finite values, but value 7 is NaN");
            assertThatThrownBy(() -> gallery.enroll(List.of(
                            new Enrollment("a", axis(0, 1)), new Enrollment("b", axis(0, Float.POSITIVE_INFINITY)))))
                    .hasMessage("embedding of b must have finite values, but value 0 is Infinity");
            assertThat(gallery.size()).as("all or none").isZero();
            assertThatThrownBy(() -> gallery.identify(new float[D], 1, 0))
                    .hasMessage("probe must not be zero: it has no direction");
            assertThatThrownBy(() -> gallery.identify(axis(0, 1), 0, 0))
                    .hasMessage("topK must be at least 1, but was 0");
            assertThatThrownBy(() -> gallery.identify(axis(0, 1), 1, Double.NaN))
                    .hasMessage("threshold must be a cosine in [-1, 1], but was NaN");
            assertThatThrownBy(() -> gallery.identify(axis(0, 1), 1, 60))
                    .hasMessage("threshold must be a cosine in [-1, 1], but was 60.0");
        }
        assertThatThrownBy(() -> Gallery.inMemory("model", 1))
                .hasMessage("dimension must be 2 to 65536 values, but was 1");
        assertThatThrownBy(() -> Gallery.inMemory("", 2))
                .hasMessage("fingerprint must have 1 to 1024 bytes in UTF-8, but has 0");
    }

    @Test
    void acceptsAnyUnicodeNameInComposedForm() {
        try (Gallery gallery = gallery(SearchMethod.EXACT)) {
            gallery.enroll("Ame\u0301lie", axis(0, 1));
            gallery.enroll("Am\u00e9lie", axis(1, 1));
            gallery.enroll("Boris", axis(2, 1), "");
            assertThat(gallery.identities()).isEqualTo(Map.of("Am\u00e9lie", 2, "Boris", 1));
            assertThat(gallery.entries().get(2).note()).isNull();
            assertThat(gallery.remove("Ame\u0301lie")).isEqualTo(2);
            gallery.enroll("\u4eba".repeat(341), axis(0, 1));
            assertThatThrownBy(() -> gallery.enroll("\u4eba".repeat(342), axis(0, 1)))
                    .hasMessage("identity must have 1 to 1024 bytes in UTF-8, but has 1026");
            assertThatThrownBy(() -> gallery.enroll("", axis(0, 1)))
                    .hasMessage("identity must have 1 to 1024 bytes in UTF-8, but has 0");
            assertThatThrownBy(() -> gallery.enroll("\ud800", axis(0, 1)))
                    .hasMessage("identity must be Unicode text, but has an unpaired surrogate");
            assertThatThrownBy(() -> gallery.enroll("a", axis(0, 1), "n".repeat(4097)))
                    .hasMessage("note must have 1 to 4096 bytes in UTF-8, but has 4097");
        }
    }

    @Test
    void rejectsCallsAfterClosing() {
        Gallery gallery = gallery(SearchMethod.EXACT);
        gallery.enroll("a", axis(0, 1));
        gallery.close();
        gallery.close();
        assertThat(gallery).hasToString("Gallery in memory: closed");
        assertThatThrownBy(() -> gallery.identify(axis(0, 1), 1, 0))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("gallery in memory is closed");
        assertThatThrownBy(() -> gallery.enroll("a", axis(0, 1))).hasMessage("gallery in memory is closed");
    }

    /** The codes of these identities span several chunks. */
    @Test
    void rabitqFindsTheSameIdentitiesAsExactSearch() {
        int dimension = 128;
        int people = 40_000;
        try (Gallery exact = Gallery.inMemory("model", dimension);
                Gallery rabitq = Gallery.inMemory("model", dimension, SearchMethod.RABITQ)) {
            List<Enrollment> all = new ArrayList<>();
            for (int i = 0; i < people; i++) {
                all.add(new Enrollment("p" + i, TestFaces.direction(i, dimension)));
            }
            exact.enroll(all);
            rabitq.enroll(all);
            List<float[]> probes = new ArrayList<>();
            for (int i = 0; i < 100; i++) { // half of them show enrolled people
                probes.add(TestFaces.of(i % 2 == 0 ? i * 400 : people + i, 5, dimension));
            }
            List<Outcome> expected = exact.identify(probes, 1, -1);
            List<Outcome> found = rabitq.identify(probes, 1, -1);
            for (int i = 0; i < 100; i += 2) {
                assertThat(found.get(i)).isEqualTo(expected.get(i));
            }
            int same = 0;
            for (int i = 1; i < 100; i += 2) {
                same += found.get(i).equals(expected.get(i)) ? 1 : 0;
            }
            assertThat(same)
                    .as("nearest identity of non-mated probes, whose other identities are about as near")
                    .isGreaterThanOrEqualTo(45);
            assertThat(rabitq.identify(probes.get(0), people, -1).matches()).hasSize(people);
        }
    }

    /** Unrelated random directions are the hardest case for a graph. */
    @Test
    void higherEfSearchFindsMore() {
        int rows = 3_000;
        try (Gallery gallery = Gallery.inMemory("model", D, SearchMethod.HNSW)) {
            List<Enrollment> all = new ArrayList<>();
            for (int i = 0; i < rows; i++) {
                all.add(new Enrollment("p" + i, TestFaces.direction(i, D)));
            }
            gallery.enroll(all);
            int[] found = new int[2];
            for (int probe = 0; probe < 200; probe++) {
                float[] values = TestFaces.direction(rows + probe, D);
                String nearest = all.stream()
                        .max(Comparator.comparingDouble(one -> TestFaces.cosine(values, one.embedding())))
                        .orElseThrow()
                        .identity();
                for (int i = 0; i < 2; i++) {
                    gallery.setEfSearch(i == 0 ? 8 : 512);
                    found[i] += gallery.identify(values, 1, -1)
                                    .best()
                                    .orElseThrow()
                                    .identity()
                                    .equals(nearest)
                            ? 1
                            : 0;
                }
            }
            assertThat(found[1]).isGreaterThan(found[0] + 20).isGreaterThanOrEqualTo(190);
            assertThatThrownBy(() -> gallery.setEfSearch(0))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("efSearch must be 1 to 65536, but was 0");
        }
    }
}
