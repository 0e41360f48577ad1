package org.facerecognition.gallery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What all kinds of galleries promise. */
class GalleryContractTest {
    private static final int D = 64;

    @TempDir
    private Path folder;

    private Gallery gallery(GalleryKind kind) {
        return gallery(kind, D);
    }

    private Gallery gallery(GalleryKind kind, int dimension) {
        return kind.place(folder).open("model", dimension);
    }

    private static float[] axis(int i, float length) {
        float[] values = new float[D];
        values[i] = length;
        return values;
    }

    @ParameterizedTest
    @EnumSource
    void emptyGalleriesReturnUnknown(GalleryKind kind) {
        try (Gallery gallery = gallery(kind)) {
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
    void topKMayExceedTheNumberOfIdentities(GalleryKind kind) {
        try (Gallery gallery = gallery(kind)) {
            for (int person = 0; person < 5; person++) {
                gallery.enroll("p" + person, TestFaces.direction(person, D));
            }
            assertThat(gallery.identify(List.of(axis(0, 1), axis(1, 1)), Integer.MAX_VALUE, -1))
                    .allSatisfy(outcome -> assertThat(outcome.matches()).hasSize(5));
        }
    }

    /** A calibrated threshold can be the next number above 1, which no cosine reaches; it used to be rejected. */
    @ParameterizedTest
    @EnumSource
    void acceptsAThresholdThatNoCosineReaches(GalleryKind kind) {
        try (Gallery gallery = gallery(kind)) {
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
    void anEntryMatchesAtOrAboveTheThreshold(GalleryKind kind) {
        try (Gallery gallery = gallery(kind)) {
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
    void returnsEachIdentityOnceWithItsBestEntry(GalleryKind kind) {
        try (Gallery gallery = gallery(kind)) {
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
    void findsTheSameIdentitiesAsAPlainSearch(GalleryKind kind) {
        int people = kind.isInDatabase() ? 60 : 300;
        int each = 4;
        try (Gallery gallery = gallery(kind)) {
            List<Enrollment> all = new ArrayList<>();
            for (int i = 0; i < people * each; i++) {
                all.add(new Enrollment("p" + i % people, TestFaces.of(i % people, i / people, D)));
            }
            long firstOfP0 = gallery.enroll(all.subList(0, 7))[0];
            gallery.enroll(all.subList(7, all.size()));
            gallery.remove("p5");
            gallery.remove(firstOfP0);
            List<float[]> probes = new ArrayList<>();
            for (int person = 0; person < people / 3; person++) {
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
                missed += kind.isExact() && !found.equals(expected) ? 1 : 0;
                missed += found.get(0).equals(expected.get(0)) ? 0 : 1;
                for (Match match : matches) {
                    assertThat(match.cosine()).isCloseTo(best.get(match.identity()), within(1e-6));
                }
                assertThat(outcomes.get(p)).isEqualTo(gallery.identify(probes.get(p), 10, -1));
            }
            assertThat(missed).isLessThanOrEqualTo(kind.isExact() ? 0 : 1);
        }
    }

    @ParameterizedTest
    @EnumSource
    void removedEntriesAreNotFoundAndIdsAreNotReused(GalleryKind kind) {
        try (Gallery gallery = gallery(kind)) {
            long first = gallery.enroll("a", axis(0, 1));
            long second = gallery.enroll("a", axis(1, 1));
            long third = gallery.enroll("b", axis(2, 1));

            assertThat(gallery.remove(second)).isTrue();
            assertThat(gallery.remove(second)).isFalse();
            assertThat(gallery.remove(third + 99)).isFalse();
            assertThat(gallery.identify(axis(1, 1), 1, 0.5).isKnown()).isFalse();
            assertThat(gallery.identify(axis(0, 1), 1, 0.5).best().orElseThrow().entry())
                    .isEqualTo(first);
            assertThat(gallery.remove("a")).isEqualTo(1);
            assertThat(gallery.remove("a")).isZero();
            assertThat(gallery.remove("nobody")).isZero();
            assertThat(gallery.size()).isEqualTo(1);
            long again = gallery.enroll("a", axis(0, 1));
            assertThat(again).isGreaterThan(third);
            gallery.compact();
            assertThat(gallery.entries()).extracting(Entry::id).containsExactly(third, again);
            assertThat(gallery.identify(axis(0, 1), 5, 0.5).matches()).hasSize(1);
            gallery.remove("a");
            gallery.remove("b");
            assertThat(gallery.identify(axis(0, 1), 5, -1).isKnown()).isFalse();
            gallery.compact();
            assertThat(gallery.identify(axis(0, 1), 5, -1).isKnown()).isFalse();
            assertThat(gallery.enroll("c", axis(0, 1))).isGreaterThan(again);
        }
    }

    @ParameterizedTest
    @EnumSource
    void ignoresTheNormOfEmbeddings(GalleryKind kind) {
        try (Gallery gallery = gallery(kind, 2)) {
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

    @ParameterizedTest
    @EnumSource
    void rejectsInvalidEmbeddingsAndArguments(GalleryKind kind) {
        try (Gallery gallery = gallery(kind)) {
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
        assertThatThrownBy(() -> gallery(kind, 1))
                .hasMessageMatching("dimension must be 2 to (65536|16000) values, but was 1");
        assertThatThrownBy(() -> kind.place(folder).open("", 2))
                .hasMessage("fingerprint must have 1 to 1024 bytes in UTF-8, but has 0");
    }

    @ParameterizedTest
    @EnumSource
    void acceptsAnyUnicodeNameInComposedForm(GalleryKind kind) {
        try (Gallery gallery = gallery(kind)) {
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

    /** All of them had to be read for those of a few files. */
    @ParameterizedTest
    @EnumSource
    void findsEntriesWithoutAContentKeyByTheirNotes(GalleryKind kind) {
        try (Gallery gallery = gallery(kind)) {
            long[] ids = gallery.enroll(List.of(
                    new Enrollment("a", axis(0, 1), "Zo\u00eb.png"),
                    new Enrollment("b", axis(1, 1), "b.png"),
                    new Enrollment("c", axis(2, 1), "Zo\u00eb.png", "key"),
                    new Enrollment("d", axis(3, 1)),
                    new Enrollment("e", axis(4, 1), "Zo\u00eb.png")));
            assertThat(gallery.withoutContentKey())
                    .extracting(Entry::id)
                    .containsExactly(ids[0], ids[1], ids[3], ids[4]);
            assertThat(gallery.withoutContentKey(List.of("Zoe\u0308.png", "c.png", "\0", "\ud800")))
                    .extracting(Entry::id)
                    .containsExactly(ids[0], ids[4]);
            assertThat(gallery.withoutContentKey(List.of())).isEmpty();
        }
    }

    @ParameterizedTest
    @EnumSource
    void rejectsCallsAfterClosing(GalleryKind kind) {
        Gallery gallery = gallery(kind);
        gallery.enroll("a", axis(0, 1));
        gallery.close();
        gallery.close();
        assertThat(gallery.toString()).startsWith("Gallery ").endsWith(": closed");
        assertThatThrownBy(() -> gallery.identify(axis(0, 1), 1, 0))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageMatching("gallery .* is closed");
        assertThatThrownBy(() -> gallery.enroll("a", axis(0, 1)))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageMatching("gallery .* is closed");
    }

    /** The cosines of all kinds are the same numbers, to the last bit. */
    @ParameterizedTest
    @EnumSource
    void cosinesAreThoseOfTheExactSearchInMemory(GalleryKind kind) {
        int dimension = 512;
        int people = kind.isInDatabase() ? 15 : 50;
        List<Enrollment> all = new ArrayList<>();
        for (int i = 0; i < people * 4; i++) {
            all.add(new Enrollment("p" + i / 4, TestFaces.of(i / 4, i % 4, dimension), "image " + i));
        }
        List<float[]> probes = new ArrayList<>();
        for (int person = 0; person < people; person++) {
            probes.add(TestFaces.of(person, 9, dimension));
        }
        try (Gallery expected = Gallery.inMemory("model", dimension);
                Gallery gallery = gallery(kind, dimension)) {
            expected.enroll(all);
            gallery.enroll(all);
            List<Outcome> outcomes = gallery.identify(probes, 1, 0.1);
            List<Outcome> exact = expected.identify(probes, 1, 0.1);
            for (int i = 0; i < probes.size(); i++) {
                Match found = outcomes.get(i).best().orElseThrow();
                Match nearest = exact.get(i).best().orElseThrow();
                assertThat(found.cosine()).isEqualTo(nearest.cosine());
                assertThat(found.note()).isEqualTo(nearest.note());
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void namesThatPeopleCannotTellApartAreOneIdentity(GalleryKind kind) {
        try (Gallery gallery = gallery(kind)) {
            gallery.enroll("Anna Lee", axis(0, 1));
            gallery.enroll(List.of(
                    new Enrollment("ANNA  LEE", axis(1, 1)),
                    new Enrollment("\u0410nna Lee", axis(2, 1)))); // Cyrillic A
            assertThat(gallery.identities()).isEqualTo(Map.of("Anna Lee", 3));
            assertThat(gallery.identify(axis(2, 1), 5, 0.9).best().orElseThrow().identity())
                    .isEqualTo("Anna Lee");
            assertThat(gallery.remove("anna lee")).isEqualTo(3);
            gallery.enroll("ANNA LEE", axis(0, 1));
            assertThat(gallery.identities()).isEqualTo(Map.of("ANNA LEE", 1));
        }
    }

    private static final String PERSISTENT = "FILE.*|DATABASE_.*";

    @ParameterizedTest
    @EnumSource(names = PERSISTENT, mode = EnumSource.Mode.MATCH_ALL)
    void keepsEntriesAfterReopening(GalleryKind kind) {
        GalleryKind.Place place = kind.place(folder);
        long id;
        float[] unit;
        try (Gallery gallery = place.open("model", D)) {
            Enrollment anna =
                    new Enrollment("\u0410\u043d\u043d\u0430", TestFaces.direction(1, D), "a.jpg", "sha256:12");
            id = gallery.enroll(List.of(anna, new Enrollment("Boris", axis(1, 1))))[0];
            gallery.remove("Boris");
            unit = gallery.embedding(id).orElseThrow();
        }
        try (Gallery gallery = place.open("model", D)) {
            Entry expected = new Entry(id, "\u0410\u043d\u043d\u0430", "a.jpg", "sha256:12");
            assertThat(gallery.entries()).containsExactly(expected);
            assertThat(gallery.entry(id)).contains(expected);
            assertThat(gallery.entry(id + 1)).isEmpty();
            assertThat(gallery.embedding(id).orElseThrow()).isEqualTo(unit);
            assertThat(gallery.enroll("Boris", axis(1, 1))).isGreaterThan(id + 1);
            assertThat(gallery.fingerprint()).isEqualTo("model");
            assertThat(gallery.dimension()).isEqualTo(D);
            assertThat(gallery.tornBytes()).isZero();
        }
        assertThat(place.info()).isEqualTo(new GalleryInfo("model", D));
    }

    @ParameterizedTest
    @EnumSource(names = PERSISTENT, mode = EnumSource.Mode.MATCH_ALL)
    void rejectsAnotherModelAndAnotherEmbeddingMode(GalleryKind kind) {
        GalleryKind.Place place = kind.place(folder);
        try (Gallery gallery = place.open("model", D)) {
            assertThat(gallery.embeddingMode()).isEmpty();
            gallery.bindEmbeddingMode("flip");
            gallery.bindEmbeddingMode("flip");
            assertThat(gallery.embeddingMode()).contains("flip");
            gallery.enroll("a", axis(0, 1));
        }
        assertThatThrownBy(() -> place.open("other", D))
                .isInstanceOf(GalleryException.class)
                .hasMessageMatching(
                        "gallery .* holds embeddings of the model model, which cannot be compared with those of"
                                + " other; use that model, or enroll the images again into another " + kind.noun());
        assertThatThrownBy(() -> place.openReadOnly("model", D + 1))
                .isInstanceOf(GalleryException.class)
                .hasMessageMatching(
                        "gallery .* holds embeddings of 64 values, which cannot be compared with those of 65;"
                                + " use the model that computed them, or enroll the images again into another "
                                + kind.noun());
        try (Gallery gallery = place.open("model", D)) {
            assertThatThrownBy(() -> gallery.bindEmbeddingMode("no flip"))
                    .isInstanceOf(GalleryException.class)
                    .hasMessageMatching(
                            "gallery .* holds embeddings made in the mode \"flip\", which cannot be compared"
                                    + " with those of \"no flip\"; use the options that it was made with, or enroll the images"
                                    + " again into another " + kind.noun());
        }
        assertThat(place.info()).isEqualTo(new GalleryInfo("model", D, "flip"));
    }

    @ParameterizedTest
    @EnumSource(names = PERSISTENT, mode = EnumSource.Mode.MATCH_ALL)
    void galleriesOpenForReadingRejectChanges(GalleryKind kind) {
        GalleryKind.Place place = kind.place(folder);
        assertThatThrownBy(() -> place.openReadOnly("model", D)).isInstanceOf(GalleryException.class);
        assertThatThrownBy(place::info).isInstanceOf(GalleryException.class);
        try (Gallery gallery = place.open("model", D)) {
            gallery.enroll("a", axis(0, 1));
        }
        try (Gallery gallery = place.openReadOnly("model", D)) {
            assertThat(gallery.identify(axis(0, 1), 1, 0.9).isKnown()).isTrue();
            for (Executable change : List.<Executable>of(
                    () -> gallery.enroll("b", axis(1, 1)),
                    () -> gallery.remove("a"),
                    () -> gallery.remove(1),
                    gallery::compact)) {
                assertThatThrownBy(change::execute)
                        .isInstanceOf(IllegalStateException.class)
                        .hasMessageMatching("gallery .* is open for reading; open it for writing to change it");
            }
            gallery.bindEmbeddingMode("any");
            assertThat(gallery.embeddingMode()).isEmpty();
        }
    }

    @ParameterizedTest
    @EnumSource
    void onlyDatabasesTakeAttributes(GalleryKind kind) {
        try (Gallery gallery = gallery(kind)) {
            Enrollment enrollment = new Enrollment("a", axis(0, 1)).withAttributes(Map.of("site", "north"));
            if (gallery instanceof DatabaseGallery database) {
                long id = database.enroll(List.of(enrollment))[0];
                assertThat(database.attributes(id)).contains(Map.of("site", "north"));
            } else {
                assertThatThrownBy(() -> gallery.enroll(List.of(enrollment)))
                        .isInstanceOf(IllegalArgumentException.class)
                        .hasMessage("attributes must be empty in a gallery in a file or in memory, but a has [site]; a"
                                + " gallery in a database stores them");
            }
        }
    }
}
