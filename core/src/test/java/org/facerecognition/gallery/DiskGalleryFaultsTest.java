package org.facerecognition.gallery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Failures of galleries whose embeddings stay in the file, and what removals leave in the saved index. */
class DiskGalleryFaultsTest extends DiskGalleryFixture {
    // ---- erasure ----

    private static String bytes(ByteBuffer bytes) {
        return new String(bytes.array(), StandardCharsets.ISO_8859_1);
    }

    /** Returns the code of a person with one image. */
    private static String code(int person) {
        SignCodes codes = new SignCodes(D);
        codes.reserve(1);
        codes.put(0, UnitVector.of(TestFaces.direction(person, D), D, "image"));
        ByteBuffer bytes = ByteBuffer.allocate(codes.bytes()).order(ByteOrder.LITTLE_ENDIAN);
        codes.write(0, bytes);
        return bytes(bytes);
    }

    private static String hash(int person) {
        long hash = FileTexts.hash(Names.key(Traces.name(person)));
        return bytes(
                ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN).putLong(hash));
    }

    private void assertInIndex(int person, boolean expected) throws IOException {
        String saved = Files.readString(index, StandardCharsets.ISO_8859_1);
        assertThat(saved.contains(code(person))).as("code of " + person).isEqualTo(expected);
        assertThat(saved.contains(hash(person))).as("hash of " + person).isEqualTo(expected);
    }

    @Test
    void removalErasesCodesAndHashesFromTheIndex() throws IOException {
        try (Gallery gallery = open()) {
            gallery.enroll(people(0, 50));
        }
        assertInIndex(7, true);
        try (Gallery gallery = open()) {
            gallery.remove(Traces.name(7));
            assertInIndex(7, false);
            assertInIndex(8, true);
            gallery.remove(9); // person 8
            assertInIndex(8, false);
            damageEntryOf(20); // which an opening that reads all entries would reject
        }
        try (Gallery gallery = open()) {
            assertThat(gallery.size()).isEqualTo(48);
            assertThat(gallery.enroll(Traces.name(7), TestFaces.direction(7, D)))
                    .isEqualTo(51);
        }
    }

    /** A person of several images: the mean of those that are left gets a new code, also in the next opening. */
    @Test
    void removingOneOfSeveralImagesReplacesTheCodeOfTheirMean() throws IOException {
        List<Enrollment> images = IntStream.range(0, 6)
                .mapToObj(i -> new Enrollment("Anna", TestFaces.of(1, i, D), "image " + i))
                .toList();
        try (Gallery gallery = open()) {
            gallery.enroll(images);
            gallery.enroll(people(10, 40));
        }
        byte[] before = Files.readAllBytes(index);
        for (int opening = 0; opening < 2; opening++) {
            try (Gallery gallery = open()) {
                gallery.remove(1 + opening);
                byte[] after = Files.readAllBytes(index);
                assertThat(after).hasSameSizeAs(before).isNotEqualTo(before);
                assertThat(gallery.identify(TestFaces.of(1, 0, D), 1, -1).best().orElseThrow())
                        .extracting(Match::identity)
                        .isEqualTo("Anna");
                assertThat(gallery.identities()).containsEntry("Anna", 5 - opening);
            }
        }
    }

    /** A version of this library that knows no index removes an entry and leaves the index as it is. */
    @Test
    void aRemovalWithoutTheIndexIsErasedFromItByTheNextOpening() throws IOException {
        try (Gallery gallery = open()) {
            gallery.enroll(people(0, 50));
        }
        Path kept = folder.resolve("kept");
        Files.copy(index, kept);
        try (Gallery gallery = Gallery.open(file, "model", D)) {
            gallery.remove(Traces.name(7));
            assertThat(index).as("a gallery in memory cannot keep it").doesNotExist();
        }
        Files.move(kept, index);
        try (Gallery gallery = open()) {
            assertInIndex(7, false);
            assertInIndex(8, true);
            assertThat(gallery.size()).isEqualTo(49);
        }
    }

    /** Whether it is the gallery's own graph cannot be told, so that the removal must not seem to be complete. */
    @Test
    @EnabledOnOs(OS.LINUX)
    void aRemovalReportsASavedGraphThatCannotBeRead() throws IOException {
        Path graph = folder.resolve("people.gallery.hnsw");
        try (Gallery gallery = open()) {
            gallery.enroll(people(0, 5));
            Files.createSymbolicLink(graph, Path.of("/proc/self/mem")); // its first bytes cannot be read
            assertThatThrownBy(() -> gallery.remove(Traces.name(3)))
                    .isInstanceOf(GalleryException.class)
                    .hasMessageContaining(graph + " could not be erased: ")
                    .hasMessageEndingWith("close the gallery and open it for writing again, which retries the erasure");
        }
        Files.delete(graph);
        try (Gallery gallery = open()) {
            assertThat(gallery.size()).isEqualTo(4);
        }
        assertThat(file).content(StandardCharsets.ISO_8859_1).doesNotContain(Traces.name(3));
    }

    /** The next removal used to erase only its own entry, and the saved index hid the former one from all openings. */
    @Test
    @EnabledOnOs(OS.LINUX)
    void theSameRemovalAgainMakesUpForAFailedErasure() throws IOException {
        Path graph = folder.resolve("people.gallery.hnsw");
        try (Gallery gallery = open()) {
            gallery.enroll(people(0, 5));
            Files.createSymbolicLink(graph, Path.of("/proc/self/mem")); // its first bytes cannot be read
            assertThatThrownBy(() -> gallery.remove(Traces.name(3))).isInstanceOf(GalleryException.class);
            assertThatThrownBy(() -> gallery.remove(Traces.name(3))).isInstanceOf(GalleryException.class);
            Files.delete(graph);
            assertThat(gallery.remove(Traces.name(3))).isZero();
            assertThat(file).content(StandardCharsets.ISO_8859_1).doesNotContain(Traces.name(3));
        }
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void theNextRemovalMakesUpForAFailedErasure() throws IOException {
        Path graph = folder.resolve("people.gallery.hnsw");
        try (Gallery gallery = open()) {
            gallery.enroll(people(0, 5));
            Files.createSymbolicLink(graph, Path.of("/proc/self/mem")); // its first bytes cannot be read
            assertThatThrownBy(() -> gallery.remove(Traces.name(3))).isInstanceOf(GalleryException.class);
            Files.delete(graph);
            gallery.remove(Traces.name(1));
            assertThat(file).content(StandardCharsets.ISO_8859_1).doesNotContain(Traces.name(3), Traces.name(1));
            gallery.enroll(people(10, 20));
        }
        assertThat(index).exists();
        try (Gallery gallery = open()) {
            assertThat(gallery.size()).isEqualTo(13);
        }
        assertThat(file).content(StandardCharsets.ISO_8859_1).doesNotContain(Traces.name(3), Traces.name(1));
    }

    /** An erasure used to trust the length of the entry, and to overwrite the next one with it. */
    @Test
    void aRemovalDoesNotOverwriteWhatFollowsAnEntryOfDamagedLength() throws IOException {
        try (Gallery gallery = open()) {
            gallery.enroll(people(0, 50));
        }
        String before = Files.readString(file, StandardCharsets.ISO_8859_1);
        int start = before.indexOf(Traces.name(7)) - LogRecord.LENGTH_BYTES - 1 - Long.BYTES - Short.BYTES;
        try (RandomAccessFile out = new RandomAccessFile(file.toFile(), "rw")) {
            out.seek(start + 1); // the second byte of a little-endian number
            out.write(before.charAt(start + 1) ^ 4);
        }
        try (Gallery gallery = open()) {
            float[] next = gallery.embedding(9).orElseThrow();
            assertThatThrownBy(() -> gallery.remove(8)) // person 7
                    .isInstanceOf(GalleryException.class)
                    .hasMessageContaining("at byte " + start);
            assertThat(gallery.embedding(9).orElseThrow()).isEqualTo(next);
        }
        assertThat(file).content(StandardCharsets.ISO_8859_1).contains(Traces.name(8), Traces.name(9));
        assertThatThrownBy(this::open)
                .isInstanceOf(GalleryException.class)
                .hasMessageContaining("is damaged at byte " + start)
                .hasMessageContaining("or delete " + index + " and open the gallery again");
    }

    // ---- failures ----

    /** The mean of a person's images is computed again from entries in the file, one of which is damaged. */
    @Test
    void acceptsNoMoreChangesIfTheMemoryCannotFollowTheFile() throws IOException {
        try (Gallery gallery = open()) {
            for (int image = 0; image < 3; image++) {
                gallery.enroll("Anna", TestFaces.of(1, image, D), Traces.name(image) + "x".repeat(1_000));
            }
            gallery.enroll("Boris", TestFaces.of(2, 0, D));
            damageEntryOf(0);
            assertThatThrownBy(() -> gallery.enroll("Anna", TestFaces.of(1, 3, D)))
                    .isInstanceOf(GalleryException.class)
                    .hasMessageContaining("were enrolled in the file, but not in memory; close gallery")
                    .hasMessageContaining("does not match its checksum");
            long length = Files.size(file);
            assertThatThrownBy(() -> gallery.remove("Boris")).hasMessageContaining("accepts no more changes");
            assertThatThrownBy(gallery::compact)
                    .as("it would lose what is in the file, but not in memory")
                    .hasMessageContaining("accepts no more changes");
            assertThat(Files.size(file)).isEqualTo(length);
        }
    }

    /** As above, when the remaining image cannot be read; what was removed is erased all the same. */
    @Test
    void erasesTheIndexEvenIfTheRemainingImagesCannotBeRead() throws IOException {
        String note = Traces.name(0) + "x".repeat(1_000);
        try (Gallery gallery = open()) {
            gallery.enroll(List.of(
                    new Enrollment("Anna", TestFaces.of(1, 0, D), note),
                    Traces.enrollment(7, D),
                    Traces.enrollment(8, D)));
            gallery.enroll("Anna", TestFaces.of(1, 1, D));
        }
        byte[] before = Files.readAllBytes(index);
        damageEntryOf(0);
        try (Gallery gallery = open()) {
            assertThatThrownBy(() -> gallery.remove(4)).hasMessageContaining("were removed in the file");
            assertThat(Files.readAllBytes(index)).isNotEqualTo(before);
            assertInIndex(7, true);
        }
        assertThat(Files.readString(file, StandardCharsets.ISO_8859_1)).doesNotContain(floats(TestFaces.of(1, 1, D)));
    }

    private static String floats(float[] values) {
        float[] unit = UnitVector.of(values, D, "image");
        ByteBuffer bytes = ByteBuffer.allocate(2 * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        return bytes(bytes.putFloat(unit[0]).putFloat(unit[1]));
    }

    /** Once a new file is in place, the old writer must not acknowledge changes to the old one. */
    @Test
    void aWriterWhoseFileWasReplacedAcceptsNoMoreChanges() throws IOException {
        open().close();
        LogHeader header = LogReader.header(file);
        LogReader.Result read = new LogReader.Result(header, Files.size(file), 0, List.of());
        try (LogWriter old = LogWriter.open(file, LogFile::open, read)) {
            assertThatThrownBy(() -> LogWriter.replace(
                            file, LogFile::open, header, Collections.emptyIterator(), offset -> {}, this::fail, old))
                    .isInstanceOf(OutOfMemoryError.class);
            LogRecord.Enrolled entry =
                    new LogRecord.Enrolled(1, "Anna", null, null, UnitVector.of(TestFaces.direction(1, D), D, "image"));
            assertThatThrownBy(() -> old.append(List.of(entry), BatchMark.Kind.ENTRIES, offset -> {}))
                    .hasMessageContaining("accepts no more changes");
        }
    }

    private void fail() {
        throw new OutOfMemoryError("of a test");
    }

    /** A writer in another process is overwriting the entry while it is read. */
    @Test
    void readsAnEntryAgainWhoseErasureIsNotComplete() throws Exception {
        try (Gallery gallery = open()) {
            gallery.enroll(people(0, 3));
        }
        byte[] whole = Files.readAllBytes(file);
        byte[] erased;
        try (Gallery gallery = open()) {
            gallery.remove(2);
            erased = Arrays.copyOf(Files.readAllBytes(file), whole.length);
        }
        int from = Arrays.mismatch(whole, erased);
        Files.write(file, whole);
        Files.delete(index); // which does not have the entry any more
        try (Gallery reader = Gallery.openReadOnly(file, "model", D, SearchMethod.ON_DISK);
                RandomAccessFile writer = new RandomAccessFile(file.toFile(), "rw")) {
            writer.seek(from);
            writer.write(erased, from, 20);
            Thread rest = new Thread(() -> {
                try {
                    Thread.sleep(10);
                    writer.write(erased, from + 20, erased.length - from - 20);
                } catch (IOException | InterruptedException e) {
                    throw new IllegalStateException(e);
                }
            });
            rest.start();
            assertThat(reader.identify(TestFaces.direction(1, D), 1, 0.99).isKnown())
                    .isFalse();
            rest.join();
        }
    }

    /** Memory used to run out after the commit, and the next change was written over what was committed. */
    @Test
    void aWriterThatRunsOutOfMemoryAfterACommitAcceptsNoMoreChanges() throws IOException {
        open().close();
        LogHeader header = LogReader.header(file);
        LogReader.Result read = new LogReader.Result(header, Files.size(file), 0, List.of());
        List<LogRecord.Enrolled> entries = IntStream.rangeClosed(1, 3)
                .mapToObj(i -> new LogRecord.Enrolled(
                        i, "p" + i, null, null, UnitVector.of(TestFaces.direction(i, D), D, "image")))
                .toList();
        try (LogWriter writer = LogWriter.open(file, LogFile::open, read)) {
            assertThatThrownBy(() -> writer.append(entries, BatchMark.Kind.ENTRIES, offset -> fail()))
                    .isInstanceOf(OutOfMemoryError.class);
            assertThatThrownBy(() -> writer.append(entries.subList(0, 1), BatchMark.Kind.ENTRIES, offset -> {}))
                    .hasMessageContaining("accepts no more changes");
        }
        try (Gallery gallery = open()) {
            assertThat(gallery.size()).isEqualTo(3);
        }
    }

    /** The index beside a gallery that an older copy of its file replaced; it made the gallery unusable. */
    @Test
    void theIndexOfANewerFileThanTheRestoredOneIsIgnored() throws IOException {
        try (Gallery gallery = open()) {
            gallery.enroll(people(10, 12));
        }
        Path copy = Files.copy(file, folder.resolve("copy"));
        try (Gallery gallery = open()) {
            gallery.enroll(IntStream.range(0, 3)
                    .mapToObj(i -> new Enrollment("Anna", TestFaces.of(1, i, D)))
                    .toList());
        }
        try (Gallery gallery = open()) {
            gallery.remove(3); // whose mean with the others is erased from the index
        }
        Files.copy(copy, file, StandardCopyOption.REPLACE_EXISTING);
        try (Gallery gallery = Gallery.openReadOnly(file, "model", D, SearchMethod.ON_DISK)) {
            assertThat(gallery.size()).isEqualTo(2);
        }
        try (Gallery gallery = open()) {
            assertThat(gallery.size()).isEqualTo(2);
            assertThat(gallery.enroll("Anna", TestFaces.of(1, 0, D))).isEqualTo(3);
        }
    }

    /** The index had no longer the removed person, whom the restored copy has: she was not found any more. */
    @Test
    void theIndexOfARemovalThatTheRestoredFileLacksIsIgnored() throws IOException {
        try (Gallery gallery = open()) {
            gallery.enroll(people(0, 50));
        }
        Path copy = Files.copy(file, folder.resolve("copy"));
        try (Gallery gallery = open()) {
            gallery.remove(Traces.name(7));
        }
        Files.copy(copy, file, StandardCopyOption.REPLACE_EXISTING);
        try (Gallery gallery = open()) {
            assertThat(gallery.size()).isEqualTo(50);
            assertThat(gallery.identify(TestFaces.direction(7, D), 1, 0.99).best())
                    .map(Match::identity)
                    .contains(Traces.name(7));
        }
    }

    /** Without it, the next opening read all of the file. */
    @Test
    void aFailedCompactionDoesNotCostTheIndex() throws IOException {
        try (Gallery gallery = open()) {
            gallery.enroll(people(0, 50));
        }
        try (Gallery gallery = open()) {
            damageEntryOf(20);
            assertThatThrownBy(gallery::compact).isInstanceOf(GalleryException.class);
            assertThat(index).doesNotExist();
        }
        try (Gallery gallery = open()) {
            assertThat(gallery.size())
                    .as("an opening without an index finds the damage")
                    .isEqualTo(50);
        }
    }

    /** Files that happen to be called like those of a gallery. */
    @ParameterizedTest
    @EnumSource(SearchMethod.class)
    void filesOfOthersAreLeftAlone(SearchMethod method) throws IOException {
        try (Gallery gallery = open()) {
            gallery.enroll(people(0, 5));
        }
        Files.delete(index);
        byte[] backup = Files.readAllBytes(Files.copy(file, folder.resolve("people.gallery.tmp")));
        List<Path> others = Stream.of(".index", ".hnsw", ".hnsw.tmp")
                .map(end -> folder.resolve("people.gallery" + end))
                .toList();
        for (Path other : others) {
            Files.writeString(other, "somebody's notes, which are longer than the header of an index or a graph is");
        }
        for (int person = 0; person < 3; person++) {
            try (Gallery gallery = Gallery.open(file, "model", D, method)) {
                gallery.enroll(people(10 * person + 10, 10 * person + 20));
                gallery.remove(Traces.name(person));
                if (person == 1) {
                    gallery.compact();
                }
            }
        }
        assertThat(others).allSatisfy(other -> assertThat(other).content().startsWith("somebody's notes"));
        assertThat(folder.resolve("people.gallery.tmp")).hasBinaryContent(backup);
        try (Gallery gallery = Gallery.open(file, "model", D, method)) {
            assertThat(gallery.size()).isEqualTo(32);
        }
    }

    /** A person who lost an entry behind the saved index, after getting another one there, became two people. */
    @Test
    void aPersonWithAChangeBehindTheIndexStaysOne() throws IOException {
        try (Gallery gallery = open()) {
            gallery.enroll("Anna", TestFaces.of(1, 0, D));
            gallery.enroll("Anna", TestFaces.of(1, 1, D));
        }
        Path kept = Files.copy(index, folder.resolve("kept"));
        try (Gallery gallery = Gallery.open(file, "model", D)) {
            gallery.enroll("Anna", TestFaces.of(1, 2, D));
            gallery.remove(2);
        }
        Files.move(kept, index);
        try (Gallery gallery = open()) {
            assertThat(gallery.identityCount()).isEqualTo(1);
            assertThat(gallery.remove("Anna")).isEqualTo(2);
            assertThat(gallery.size()).isZero();
        }
    }

    /** A reader beside a writer that removes and compacts used to fail now and then. */
    @Test
    void readersOpenWhileAWriterRemovesAndCompacts() throws Exception {
        AtomicReference<Throwable> failure = new AtomicReference<>();
        AtomicBoolean done = new AtomicBoolean();
        try (Gallery writer = open()) {
            writer.enroll(people(0, 50));
            Thread reading = new Thread(() -> {
                try {
                    while (!done.get()) {
                        Gallery.openReadOnly(file, "model", D, SearchMethod.ON_DISK)
                                .close();
                    }
                } catch (Throwable e) {
                    failure.set(e);
                }
            });
            reading.start();
            for (int round = 0; round < 40 && failure.get() == null; round++) {
                writer.enroll("Anna", TestFaces.of(1, 2 * round, D));
                writer.enroll("Anna", TestFaces.of(1, 2 * round + 1, D));
                writer.remove("Anna");
                writer.compact();
            }
            done.set(true);
            reading.join();
        }
        assertThat(failure.get()).isNull();
    }
}
