package org.facerecognition.gallery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Galleries whose embeddings stay in the file, and the index that is saved beside it. */
class DiskGalleryTest extends DiskGalleryFixture {
    // ---- answers ----

    /** Random changes, with openings in between; after each, a gallery in memory has the same answers. */
    @Test
    void everyChangeGivesTheAnswersOfAGalleryInMemory() {
        Random random = new Random(Long.getLong("tests.seed", 5));
        Gallery gallery = open();
        try (Gallery expected = Gallery.inMemory("model", D)) {
            for (int change = 0; change < 600; change++) {
                int kind = random.nextInt(100);
                if (kind < 55) {
                    List<Enrollment> batch = randomBatch(random);
                    assertThat(gallery.enroll(batch)).isEqualTo(expected.enroll(batch));
                } else if (kind < 65) {
                    List<Enrollment> batch = randomBatch(random);
                    assertThat(gallery.enrollMissing(batch)).isEqualTo(expected.enrollMissing(batch));
                } else if (kind < 80) {
                    long id = 1 + random.nextInt(200);
                    assertThat(gallery.remove(id)).isEqualTo(expected.remove(id));
                } else if (kind < 90) {
                    String name = name(random);
                    assertThat(gallery.remove(name)).isEqualTo(expected.remove(name));
                } else if (kind < 97) {
                    gallery.close();
                    gallery = open();
                } else {
                    gallery.compact();
                }
                assertThat(gallery.size()).isEqualTo(expected.size());
                assertThat(gallery.identityCount()).isEqualTo(expected.identityCount());
                if (change % 10 == 0) {
                    assertSame(gallery, expected, random);
                }
            }
            assertSame(gallery, expected, random);
            gallery.bindEmbeddingMode("aligned");
            assertSame(gallery, expected, random);
        } finally {
            gallery.close();
        }
        assertThat(Gallery.info(file).embeddingMode()).contains("aligned");
    }

    /** Names differ in case, so that a stored name must be found by another form of it. */
    private static String name(Random random) {
        String name = "Person " + (char) ('a' + random.nextInt(26));
        return random.nextBoolean() ? name : name.toUpperCase(Locale.ROOT);
    }

    private static List<Enrollment> randomBatch(Random random) {
        List<Enrollment> batch = new ArrayList<>();
        for (int i = random.nextInt(4) == 0 ? random.nextInt(12) : 1; i > 0; i--) {
            String name = name(random);
            int person = Character.toLowerCase(name.charAt(name.length() - 1)) + random.nextInt(2) * 100;
            int image = random.nextInt(30);
            batch.add(new Enrollment(
                    name, TestFaces.of(person, image, D), random.nextBoolean() ? "note" : null, "key " + image));
        }
        return batch;
    }

    private static void assertSame(Gallery gallery, Gallery expected, Random random) {
        assertThat(gallery.entries()).isEqualTo(expected.entries());
        assertThat(gallery.newest(7)).isEqualTo(expected.newest(7));
        assertThat(gallery.withContentKeys(List.of("key 3", "key 4")))
                .isEqualTo(expected.withContentKeys(List.of("key 3", "key 4")));
        for (StoredEntry entry : expected.page(0, 1_000)) {
            assertThat(gallery.entry(entry.entry().id())).contains(entry.entry());
            assertThat(gallery.embedding(entry.entry().id()).orElseThrow()).isEqualTo(entry.embedding());
        }
        List<float[]> probes = IntStream.range(0, 5)
                .mapToObj(i -> TestFaces.of('a' + random.nextInt(26), 40 + i, D))
                .toList();
        assertThat(gallery.identify(probes, 4, -1)).isEqualTo(expected.identify(probes, 4, -1));
    }

    /** With the default number of candidates, and many images of each person in one batch and over many. */
    @Test
    void findsNearlyAllAmongManyPeople() {
        try (Gallery gallery = Gallery.open(file, "model", 128, SearchMethod.ON_DISK);
                Gallery exact = Gallery.inMemory("model", 128)) {
            for (int image = 0; image < 3; image++) {
                List<Enrollment> batch = new ArrayList<>();
                for (int person = 0; person < 2_000; person++) {
                    batch.add(new Enrollment("p" + person, TestFaces.of(person, image, 128)));
                }
                gallery.enroll(batch);
                exact.enroll(batch);
            }
            int same = 0;
            for (int person = 0; person < 200; person++) {
                float[] probe = TestFaces.of(person * 7, 50, 128);
                same += gallery.identify(probe, 1, -1).equals(exact.identify(probe, 1, -1)) ? 1 : 0;
            }
            assertThat(same).isGreaterThanOrEqualTo(198);
            assertThat(gallery.identify(TestFaces.of(3, 50, 128), 2_000, -1).matches())
                    .as("every identity, although few candidates are kept at first")
                    .hasSize(2_000);
        }
    }

    @Test
    void needsAFile() {
        assertThatThrownBy(() -> Gallery.inMemory("model", D, SearchMethod.ON_DISK))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("open a file");
    }

    // ---- the saved index ----

    /** The opening does not read entries that are in the index; a search verifies those that it reads. */
    @Test
    void theNextOpeningReadsOnlyWhatIsNotInTheIndex() throws IOException {
        try (Gallery gallery = open()) {
            gallery.enroll(people(0, 300));
        }
        damageEntryOf(7);
        assertThatThrownBy(() -> Gallery.open(file, "model", D)).hasMessageContaining("is damaged at byte");
        try (Gallery gallery = open()) {
            assertThat(gallery.size()).isEqualTo(300);
            assertThat(Traces.isIntact(gallery.entry(9).orElseThrow(), gallery, D))
                    .isTrue();
            assertThatThrownBy(() -> gallery.entry(8)) // person 7
                    .hasMessageContaining("does not match its checksum");
            assertThatThrownBy(() -> gallery.identify(TestFaces.direction(7, D), 1, 0.99))
                    .isInstanceOf(GalleryException.class)
                    .hasMessageContaining("does not match its checksum")
                    .hasMessageContaining("restore a copy");
            gallery.enroll(people(300, 302));
        }
        try (Gallery gallery = open()) {
            assertThat(gallery.size())
                    .as("what was enrolled after the index was saved")
                    .isEqualTo(302);
            assertThat(Traces.isIntact(gallery.entry(302).orElseThrow(), gallery, D))
                    .isTrue();
        }
    }

    /** A compaction used to hold ids, offsets and codes twice, so that a large gallery did not fit in memory. */
    @Test
    void aCompactionDoesNotCopyWhatIsInMemoryUnlessMostOfItWasRemoved() {
        List<LogRecord.Enrolled> entries = IntStream.range(0, 20)
                .mapToObj(i -> new LogRecord.Enrolled(1 + i, Traces.name(i), null, null, TestFaces.direction(i, D)))
                .toList();
        try (GalleryStore store = GalleryStore.forWriting(file, "model", D, LogFile::open)) {
            Segment segment = store.load(SearchMethod.ON_DISK);
            store.enroll(entries);
            segment.append(entries);
            List<Segment> published = new ArrayList<>();
            segment.remove(new int[] {3, 4}).run();
            store.rewriteOnDisk(null, published::add);
            assertThat(published.get(0).rows()).isSameAs(segment.rows());
            assertThat(((DiskSegment) segment).texts().entry(3, 4, 3))
                    .as("a removed row, in whose place the file has that of another person")
                    .isNull();
            published.get(0).remove(IntStream.range(5, 20).toArray()).run();
            store.rewriteOnDisk(null, published::add);
            assertThat(published.get(1).rows()).isNotSameAs(segment.rows());
            assertThat(published.get(1).rows().count()).isEqualTo(3);
            segment.close();
            published.forEach(Segment::close);
        }
    }

    @Test
    void aCompactedGalleryHasTheSameAnswersAndAnIndex() throws IOException {
        try (Gallery gallery = open();
                Gallery expected = Gallery.inMemory("model", D)) {
            for (Gallery each : List.of(gallery, expected)) {
                each.enroll(people(0, 100));
                IntStream.of(0, 1, 2, 50, 51, 99).forEach(person -> each.remove(Traces.name(person)));
                each.compact();
                each.enroll(people(100, 110));
                each.remove(Traces.name(104));
                each.enroll(people(50, 51)); // again
            }
            assertSame(gallery, expected, new Random(1));
            gallery.close();
            damageEntryOf(60);
            try (Gallery again = open()) { // the index is read: an opening without it would find the damage
                assertThat(again.size()).isEqualTo(104);
                again.remove(61L); // person 60
                assertThat(again.identify(TestFaces.direction(61, D), 1, 0.99).isKnown())
                        .isTrue();
                assertThat(again.identify(TestFaces.direction(51, D), 1, 0.99).isKnown())
                        .isFalse();
                assertThat(again.identify(TestFaces.direction(50, D), 1, 0.99).isKnown())
                        .isTrue();
                again.compact();
                IntStream.range(3, 50).forEach(person -> again.remove(Traces.name(person)));
                IntStream.range(52, 99).forEach(person -> again.remove(Traces.name(person)));
                long before = Files.size(index);
                again.compact();
                assertThat(Files.size(index)).isLessThan(before / 3);
                assertThat(again.size()).isEqualTo(10);
                assertThat(again.identify(TestFaces.direction(105, D), 1, 0.99).isKnown())
                        .isTrue();
            }
        }
    }

    @Test
    void aDamagedIndexIsRebuilt() throws IOException {
        try (Gallery gallery = open()) {
            gallery.enroll(people(0, 120));
            gallery.remove(Traces.name(5));
        }
        byte[] log = Files.readAllBytes(file);
        byte[] saved = Files.readAllBytes(index);
        Random random = new Random(3);
        for (int i = 0; i < 150; i++) {
            byte[] damaged = i % 5 == 0 ? Arrays.copyOf(saved, random.nextInt(saved.length)) : saved.clone();
            if (i % 5 != 0) {
                damaged[random.nextInt(damaged.length)] ^= (byte) (1 << random.nextInt(8));
            }
            Files.write(file, log);
            Files.write(index, damaged);
            assertIntact(120, 5);
            assertThat(Files.readAllBytes(index)).as("it is saved again").isNotEqualTo(damaged);
        }
    }

    private void assertIntact(int people, int removed) {
        try (Gallery gallery = open()) {
            assertThat(gallery.size()).isEqualTo(people - 1);
            assertThat(gallery.entries()).allMatch(entry -> Traces.isIntact(entry, gallery, D));
            for (int person = 0; person < people; person += 9) {
                Outcome outcome = gallery.identify(TestFaces.direction(person, D), 1, 0.99);
                assertThat(outcome.isKnown()).isEqualTo(person != removed);
            }
            assertThat(gallery.identify(TestFaces.direction(removed, D), 1, 0.99)
                            .isKnown())
                    .isFalse();
        }
    }

    /** The index of the entries that the copy does not have seemed to fit once as many others were enrolled. */
    @Test
    void ignoresTheIndexOfEntriesThatARestoredCopyDoesNotHave() throws IOException {
        try (Gallery gallery = open()) {
            gallery.enroll(people(0, 1));
        }
        byte[] copy = Files.readAllBytes(file);
        try (Gallery gallery = open()) {
            gallery.enroll(List.of(new Enrollment("Anna", TestFaces.of(1, 0, D))));
        }
        long length = Files.size(file);
        assertThat(index).exists();
        Files.write(file, copy);
        try (Gallery gallery = Gallery.open(file, "model", D, SearchMethod.EXACT)) {
            gallery.enroll(List.of(new Enrollment("Bert", TestFaces.of(2, 0, D))));
        }
        assertThat(Files.size(file)).isEqualTo(length);
        try (Gallery gallery = open()) {
            assertThat(gallery.identify(TestFaces.of(2, 0, D), 1, 0.9)
                            .best()
                            .orElseThrow()
                            .identity())
                    .isEqualTo("Bert");
            assertThat(gallery.identify(TestFaces.of(1, 0, D), 1, 0.9).best()).isEmpty();
            assertThat(gallery.remove("Bert")).isEqualTo(1);
        }
    }

    @Test
    void ignoresTheGraphOfEntriesThatARestoredCopyDoesNotHave() throws IOException {
        Path graph = folder.resolve("people.gallery.hnsw");
        try (Gallery gallery = Gallery.open(file, "model", D, SearchMethod.HNSW)) {
            gallery.enroll(people(0, 4_500));
        }
        byte[] copy = Files.readAllBytes(file);
        try (Gallery gallery = Gallery.open(file, "model", D, SearchMethod.HNSW)) {
            gallery.enroll(people(4_500, 4_600));
        }
        assertThat(graph).exists();
        Files.write(file, copy);
        try (Gallery gallery = Gallery.open(file, "model", D, SearchMethod.EXACT)) {
            gallery.enroll(people(10_000, 10_100));
        }
        assertThat(graph).doesNotExist();
    }

    @Test
    void ignoresTheIndexOfAnotherFile() throws IOException {
        try (Gallery gallery = open()) {
            gallery.enroll(people(0, 30));
        }
        Files.move(index, folder.resolve("first.index"));
        Files.delete(file);
        try (Gallery gallery = open()) {
            gallery.enroll(people(30, 61));
        }
        Files.move(folder.resolve("first.index"), index, StandardCopyOption.REPLACE_EXISTING);
        try (Gallery gallery = open()) {
            assertThat(gallery.entries()).hasSize(31).allMatch(entry -> Traces.isIntact(entry, gallery, D));
        }
    }

    /** An interrupt must not close what the index is read through. */
    @Test
    void anInterruptedThreadOpensTheGalleryWithItsIndex() throws IOException {
        try (Gallery gallery = open()) {
            gallery.enroll(people(0, 300));
        }
        damageEntryOf(7); // which an opening that reads all entries would reject
        Thread.currentThread().interrupt();
        try (Gallery gallery = open()) {
            assertThat(gallery.size()).isEqualTo(300);
        } finally {
            assertThat(Thread.interrupted()).isTrue();
        }
    }

    // ---- readers in other processes ----

    @Test
    void aReaderLeavesOutWhatAWriterErasesAndSaysWhenTheFileWasRewritten() {
        try (Gallery writer = open()) {
            writer.enroll(people(0, 40));
            try (Gallery reader = Gallery.openReadOnly(file, "model", D, SearchMethod.ON_DISK)) {
                writer.remove(Traces.name(7));
                assertThat(reader.identify(TestFaces.direction(7, D), 1, 0.99).isKnown())
                        .isFalse();
                assertThat(reader.entries()).hasSize(39).noneMatch(entry -> Traces.person(entry) == 7);
                assertThat(reader.entry(8)).isEmpty();
                writer.compact();
                assertThatThrownBy(() -> reader.identify(TestFaces.direction(8, D), 1, 0.99))
                        .isInstanceOf(GalleryException.class)
                        .hasMessageContaining("open it again");
            }
            assertThat(writer.identify(TestFaces.direction(8, D), 1, 0.99).isKnown())
                    .isTrue();
        }
    }
}
