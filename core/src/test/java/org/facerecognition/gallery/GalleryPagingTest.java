package org.facerecognition.gallery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What all kinds of galleries promise about reading in parts, finding by content, and enrolling what is missing. */
class GalleryPagingTest {
    private static final int D = 64;

    @TempDir
    private Path folder;

    private Gallery gallery(GalleryKind kind) {
        return kind.place(folder).open("model", D);
    }

    private static Enrollment face(int person, int image) {
        return new Enrollment("p" + person, TestFaces.of(person, image, D), "note " + image, "key " + person + image);
    }

    @ParameterizedTest
    @EnumSource
    void pagesHaveEveryEntryOnceInTheOrderOfEnrollment(GalleryKind kind) {
        try (Gallery gallery = gallery(kind)) {
            assertThat(gallery.page(0, 10)).isEmpty();
            assertThat(gallery.newest(3)).isEmpty();
            List<Enrollment> all = new ArrayList<>();
            for (int i = 0; i < 23; i++) {
                all.add(face(i % 5, i));
            }
            long[] ids = gallery.enroll(all);
            gallery.remove(ids[3]);
            gallery.remove("p2");
            assertThat(gallery.identityCount()).isEqualTo(4);

            List<StoredEntry> read = new ArrayList<>();
            long last = 0;
            for (List<StoredEntry> page = gallery.page(last, 4); !page.isEmpty(); page = gallery.page(last, 4)) {
                assertThat(page).hasSizeLessThanOrEqualTo(4);
                read.addAll(page);
                last = page.get(page.size() - 1).entry().id();
            }
            assertThat(read).extracting(StoredEntry::entry).isEqualTo(gallery.entries());
            for (StoredEntry one : read) {
                assertThat(one.embedding())
                        .isEqualTo(gallery.embedding(one.entry().id()).orElseThrow());
                assertThat(one.enrolledAt() != null).isEqualTo(kind.isInDatabase());
            }
            List<Entry> newest = gallery.newest(3);
            assertThat(newest).extracting(Entry::note).containsExactly("note 21", "note 20", "note 19");
            assertThat(gallery.page(ids[20], 100)).hasSize(1);
            assertThat(gallery.page(ids[22] + 1000, 1)).isEmpty();
            assertThatThrownBy(() -> gallery.page(0, 0)).hasMessage("limit must be at least 1, but was 0");
            assertThatThrownBy(() -> gallery.newest(0)).hasMessage("limit must be at least 1, but was 0");
        }
    }

    @ParameterizedTest
    @EnumSource
    void findsEntriesByContentKey(GalleryKind kind) {
        try (Gallery gallery = gallery(kind)) {
            long[] ids = gallery.enroll(List.of(face(1, 1), face(2, 1), face(1, 1), face(3, 1)));
            gallery.enroll("without", TestFaces.of(9, 9, D));
            assertThat(gallery.withContentKeys(List.of("key 11", "key 31", "other")))
                    .extracting(Entry::id)
                    .containsExactly(ids[0], ids[2], ids[3]);
            gallery.remove(ids[0]);
            assertThat(gallery.withContentKeys(List.of("key 11")))
                    .extracting(Entry::id)
                    .containsExactly(ids[2]);
            assertThat(gallery.withContentKeys(List.of())).isEmpty();
            String decomposed = "e\u0301.jpg"; // as names of files come from macOS
            gallery.enroll(List.of(new Enrollment("E", TestFaces.of(8, 8, D), null, decomposed)));
            assertThat(gallery.withContentKeys(List.of(decomposed))).hasSize(1);
            assertThat(gallery.withContentKeys(List.of("\u00e9.jpg"))).hasSize(1);
            assertThat(gallery.withContentKeys(List.of("", "f5a5a608"))) // the second has the hash code 0
                    .isEmpty();
            gallery.enroll(List.of(new Enrollment("F", TestFaces.of(9, 9, D), null, "?.jpg")));
            assertThat(gallery.withContentKeys(List.of("x\0y", "\ud83d.jpg")))
                    .as("a database has neither of these characters, and other galleries have no such keys")
                    .isEmpty();
            assertThat(gallery.withContentKeys(List.of("x\0y", "?.jpg"))).hasSize(1);
        }
    }

    @ParameterizedTest
    @EnumSource
    void enrollsWhatIsMissing(GalleryKind kind) {
        try (Gallery gallery = gallery(kind)) {
            Enrollment bare = new Enrollment("P1", TestFaces.of(1, 0, D));
            List<Enrollment> some = List.of(face(1, 0), face(2, 0), face(1, 0), bare);
            assertThat(gallery.enrollMissing(some)).hasSize(3);
            assertThat(gallery.enrollMissing(some)).isEmpty();
            assertThat(gallery.enrollMissing(List.of())).isEmpty();

            Enrollment otherName = new Enrollment("x", bare.embedding());
            Enrollment otherNote = new Enrollment("p1", bare.embedding(), "note 7", "key 10");
            Enrollment otherKey = new Enrollment("p1", bare.embedding(), "note 0", "key 77");
            float[] moved = bare.embedding().clone();
            moved[5] += 1e-4f;
            Enrollment otherFace = new Enrollment("p1", moved);
            long[] added = gallery.enrollMissing(List.of(otherName, face(2, 0), otherNote, otherKey, otherFace, bare));
            assertThat(added).hasSize(4).isSorted();
            assertThat(gallery.size()).isEqualTo(7);
            assertThat(gallery.identities()).isEqualTo(Map.of("p1", 5, "p2", 1, "x", 1));

            gallery.remove("p2");
            assertThat(gallery.enrollMissing(some))
                    .as("a removed entry is missing")
                    .hasSize(1);
        }
    }

    @ParameterizedTest
    @EnumSource
    void enrollsImagesThatAreNew(GalleryKind kind) {
        try (Gallery gallery = gallery(kind)) {
            Enrollment ann = image("Ann", "a");
            Enrollment bob = image("Bob", "b");
            Enrollment withoutKey = image("Bob", null);
            List<Enrollment> some = List.of(ann, bob, image("ANN", "a"), withoutKey, image("Bob", "a"));
            long[] ids = gallery.enrollNewImages(some, UniqueIn.GALLERY);
            assertThat(ids).hasSize(5);
            assertThat(gallery.entries()).extracting(Entry::id).containsExactly(ids[0], ids[1], ids[3]);
            assertThat(new long[] {ids[2], ids[4]}).containsOnly(0);

            assertThat(gallery.enrollNewImages(List.of(image("Cora", "b"), ann), UniqueIn.GALLERY))
                    .containsExactly(0, 0);
            long[] others = gallery.enrollNewImages(
                    List.of(image("ann", "a"), image("Cora", "a"), image("CORA", "a")), UniqueIn.IDENTITY);
            assertThat(others).hasSize(3);
            assertThat(gallery.withContentKeys(List.of("a")))
                    .extracting(Entry::id)
                    .containsExactly(ids[0], others[1]);
            assertThat(new long[] {others[0], others[2]}).containsOnly(0);

            gallery.remove("Bob");
            assertThat(gallery.enrollNewImages(List.of(image("Cora", "b")), UniqueIn.GALLERY)[0])
                    .as("a removed image is new")
                    .isPositive();
            assertThat(gallery.enrollNewImages(List.of(), UniqueIn.GALLERY)).isEmpty();
        }
    }

    private static Enrollment image(String name, String contentKey) {
        return new Enrollment(name, TestFaces.of(1, 0, D), null, contentKey);
    }

    /** Normalizing again would change the last bit of some values, and the entry would not be found again. */
    @ParameterizedTest
    @EnumSource
    void enrollingAStoredEmbeddingKeepsEveryBit(GalleryKind kind) {
        try (Gallery gallery = gallery(kind)) {
            for (int i = 0; i < 100; i++) {
                float[] stored = UnitVector.of(TestFaces.of(i, 0, D), D, "x");
                long id = gallery.enroll("p", stored);
                assertThat(gallery.embedding(id).orElseThrow()).isEqualTo(stored);
            }
        }
    }

    @Test
    void normalizesUpToTheRoundingOfFloats() {
        float[] almost = UnitVector.of(TestFaces.of(1, 0, 512), 512, "x");
        almost[0] += 3e-6f;
        float[] unit = UnitVector.of(almost, 512, "x");
        assertThat(Arrays.equals(unit, almost)).isFalse();
        assertThat(UnitVector.squares(unit)).isBetween(1 - 1.2e-7, 1 + 1.2e-7);
    }
}
