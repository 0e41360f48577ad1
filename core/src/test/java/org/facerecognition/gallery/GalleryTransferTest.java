package org.facerecognition.gallery;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.facerecognition.gallery.GalleryTransfer.AttributesPolicy;
import org.facerecognition.gallery.GalleryTransfer.Result;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Galleries that move between files, databases and folders. */
class GalleryTransferTest {
    private static final int D = 8;
    private static final Path ARRAYS = Path.of("src/test/resources/gallery/import");

    @TempDir
    Path folder;

    private Gallery memory() {
        return Gallery.inMemory("model", D);
    }

    private static List<String> texts(Gallery gallery) {
        return gallery.page(0, 1_000_000).stream()
                .map(one -> one.entry().identity() + "|" + one.entry().note() + "|"
                        + one.entry().contentKey() + "|" + one.attributes() + "|" + Arrays.toString(one.embedding()))
                .toList();
    }

    private static void fill(Gallery gallery, int entries) {
        List<Enrollment> all = new ArrayList<>();
        for (int i = 0; i < entries; i++) {
            all.add(new Enrollment("p" + i / 10, TestFaces.of(i / 10, i, D), i % 2 == 0 ? null : "n" + i, "k" + i));
        }
        gallery.enroll(all);
    }

    private static final List<String> ODD_TEXTS = List.of(
            "a,b", "\"", "''", "line\nbreak\r\nend", " spaces ", "#", "=1+1", "\\N", "null", "Анна 🙂", "\ufeff x");

    @ParameterizedTest
    @EnumSource
    void exportsAndImportsEveryKind(GalleryKind kind) throws IOException {
        Path export = folder.resolve("export");
        List<String> before;
        try (Gallery from = kind.place(folder).open("model", D)) {
            fill(from, 25);
            for (String text : ODD_TEXTS) {
                from.enroll(List.of(new Enrollment("odd", TestFaces.direction(7, D), text, text)));
            }
            from.bindEmbeddingMode("crop, \"flip\"");
            before = texts(from);
            List<Long> progress = new ArrayList<>();
            assertThat(GalleryTransfer.exportTo(from, export, progress::add)).isEqualTo(36);
            assertThat(progress).containsExactly(36L);
        }
        assertThat(GalleryTransfer.info(export))
                .isEqualTo(new GalleryTransfer.Exported(new GalleryInfo("model", D, "crop, \"flip\""), 36));
        try (Gallery to = GalleryKind.FILE.place(folder.resolve("to")).open("model", D)) {
            assertThat(GalleryTransfer.importFrom(export, to, AttributesPolicy.KEEP, done -> {}))
                    .isEqualTo(new Result(36, 0));
            assertThat(texts(to)).isEqualTo(before);
            assertThat(to.embeddingMode()).contains("crop, \"flip\"");
            assertThat(GalleryTransfer.importFrom(export, to, AttributesPolicy.KEEP, done -> {}))
                    .isEqualTo(new Result(0, 36));
        }
        if (Files.getFileStore(folder).supportsFileAttributeView("posix")) {
            for (String name : List.of("embeddings.npy", "entries.csv", "gallery.json")) {
                assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(export.resolve(name))))
                        .as(name)
                        .isEqualTo("rw-------");
            }
        }
    }

    @Test
    void attributesMoveBetweenDatabasesAndAreNotLostSilently() {
        TestDatabase database = TestDatabase.get();
        Map<String, String> attributes = Map.of("site", "north, \"1\"", "Straße", "ä\n");
        try (Gallery from = Gallery.connect(database.dataSource(), TestDatabase.newName(), "model", D);
                Gallery to = Gallery.connect(database.dataSource(), TestDatabase.newName(), "model", D);
                Gallery memory = memory()) {
            fill(from, GalleryTransfer.PAGE); // and one more on the next page
            from.enroll(List.of(new Enrollment("Ann", TestFaces.direction(1, D)).withAttributes(attributes)));
            GalleryTransfer.exportTo(from, folder.resolve("export"), done -> {});
            GalleryTransfer.importFrom(folder.resolve("export"), to, AttributesPolicy.KEEP, done -> {});
            assertThat(texts(to)).isEqualTo(texts(from));

            String rejected = "the gallery cannot store attributes, but an entry of Ann has [";
            assertThatThrownBy(() -> GalleryTransfer.importFrom(
                            folder.resolve("export"), memory, AttributesPolicy.KEEP, done -> {}))
                    .isInstanceOf(GalleryException.class)
                    .hasMessageStartingWith(rejected);
            assertThat(memory.size()).as("all rows are checked first").isZero();
            assertThatThrownBy(() -> GalleryTransfer.copy(from, memory, AttributesPolicy.KEEP, done -> {}))
                    .hasMessageStartingWith(rejected);
            assertThat(memory.size()).as("all entries are checked first").isZero();
            assertThat(GalleryTransfer.copy(from, memory, AttributesPolicy.DROP, done -> {}))
                    .isEqualTo(new Result(GalleryTransfer.PAGE + 1, 0));
        }
    }

    /** Ends after some batches, as a killed process does. */
    private static final class Killed extends RuntimeException {
        private static final long serialVersionUID = 1L;
    }

    @ParameterizedTest
    @EnumSource(names = {"FILE", "FILE_ON_DISK", "DATABASE_EXACT"})
    void aKilledTransferIsContinuedWithoutDoubles(GalleryKind kind) {
        GalleryKind.Place place = kind.place(folder);
        try (Gallery from = memory()) {
            fill(from, 3_500);
            GalleryTransfer.exportTo(from, folder.resolve("export"), done -> {});
            try (Gallery to = place.open("model", D)) {
                assertThatThrownBy(() -> GalleryTransfer.importFrom(
                                folder.resolve("export"), to, AttributesPolicy.KEEP, done -> {
                                    if (done == 2_000) {
                                        throw new Killed();
                                    }
                                }))
                        .isInstanceOf(Killed.class);
            }
            try (Gallery to = place.open("model", D)) {
                assertThat(to.size()).isEqualTo(2_000);
                assertThat(GalleryTransfer.importFrom(folder.resolve("export"), to, AttributesPolicy.KEEP, done -> {}))
                        .isEqualTo(new Result(1_500, 2_000));
                assertThat(texts(to)).isEqualTo(texts(from));
            }
        }
    }

    @Test
    void refusesAnotherModelOrMode() {
        try (Gallery from = memory();
                Gallery otherModel = Gallery.inMemory("another", D);
                Gallery otherMode = memory()) {
            from.bindEmbeddingMode("crop");
            otherMode.bindEmbeddingMode("detector");
            fill(otherMode, 1);
            fill(from, 3);
            Path export = folder.resolve("export");
            GalleryTransfer.exportTo(from, export, done -> {});
            String model = "the gallery holds embeddings of the model another, which cannot be compared with those of"
                    + " model; use that model, or enroll the images again into another gallery";
            assertThatThrownBy(() -> GalleryTransfer.importFrom(export, otherModel, AttributesPolicy.KEEP, done -> {}))
                    .isInstanceOf(GalleryException.class)
                    .hasMessage(model);
            assertThatThrownBy(() -> GalleryTransfer.copy(from, otherModel, AttributesPolicy.KEEP, done -> {}))
                    .hasMessage(model);
            for (var transfer : List.<Runnable>of(
                    () -> GalleryTransfer.importFrom(export, otherMode, AttributesPolicy.KEEP, done -> {}),
                    () -> GalleryTransfer.copy(from, otherMode, AttributesPolicy.KEEP, done -> {}))) {
                assertThatThrownBy(transfer::run)
                        .isInstanceOf(GalleryException.class)
                        .hasMessageContaining("holds embeddings made in the mode \"detector\"");
            }
            assertThat(otherModel.size()).isZero();
            assertThat(otherMode.size()).isEqualTo(1);
        }
    }

    /** As earlier versions stored names that they could not read: the copy stopped half-way, with a wrong remedy. */
    @Test
    void copiesNothingIfANameIsUnreadable() throws IOException {
        Path file = folder.resolve("old.gallery");
        Gallery.open(file, "model", D).close();
        LogReader.Result read = new LogReader.Result(LogReader.header(file), Files.size(file), 0, List.of());
        try (LogWriter writer = LogWriter.open(file, LogFile::open, read)) {
            for (String name : List.of("Ann", "J\uFFFDrg")) {
                long id = name.equals("Ann") ? 1 : 2;
                float[] unit = UnitVector.of(TestFaces.direction((int) id, D), D, "image");
                writer.append(
                        List.of(new LogRecord.Enrolled(id, name, null, null, unit)),
                        BatchMark.Kind.ENTRIES,
                        offset -> {});
            }
        }
        try (Gallery from = Gallery.open(file, "model", D);
                Gallery to = memory()) {
            assertThatThrownBy(() -> GalleryTransfer.copy(from, to, AttributesPolicy.KEEP, done -> {}))
                    .isInstanceOf(GalleryException.class)
                    .hasMessageStartingWith("entry 2 cannot be enrolled: identity must be readable text");
            assertThat(to.size()).isZero();
        }
    }

    @Test
    void exportsOnlyIntoAnEmptyFolder() throws IOException {
        try (Gallery from = memory()) {
            fill(from, 3);
            Files.writeString(folder.resolve("embeddings.npy.part"), "left by an interrupted export");
            GalleryTransfer.exportTo(from, folder, done -> {});
            assertThatThrownBy(() -> GalleryTransfer.exportTo(from, folder, done -> {}))
                    .isInstanceOf(GalleryException.class)
                    .hasMessageStartingWith("folder " + folder + " must be empty or new for an export, but has ");
            Path file = Files.writeString(folder.resolve("file"), "x");
            assertThatThrownBy(() -> GalleryTransfer.exportTo(from, file.resolve("below"), done -> {}))
                    .hasMessageStartingWith("cannot export into " + file.resolve("below") + ": ");
        }
    }

    /** A kill between two moves used to leave a folder into which no export was possible. */
    @ParameterizedTest
    @ValueSource(strings = {"", "embeddings.npy", "embeddings.npy entries.csv"})
    void anInterruptedExportIsRepeated(String complete) throws IOException {
        try (Gallery from = memory()) {
            fill(from, 3);
            for (String name : List.of("embeddings.npy", "entries.csv", "gallery.json")) {
                boolean isComplete = complete.contains(name);
                Files.writeString(folder.resolve(isComplete ? name : name + ".part"), "of an interrupted export");
            }
            assertThat(GalleryTransfer.exportTo(from, folder, done -> {})).isEqualTo(3);
            try (Stream<Path> files = Files.list(folder)) {
                assertThat(files.map(file -> file.getFileName().toString()))
                        .containsExactlyInAnyOrder("embeddings.npy", "entries.csv", "gallery.json");
            }
            assertThat(GalleryTransfer.info(folder).entries()).isEqualTo(3);
        }
    }

    /** The first used to take the second one's unfinished files for its own, and reported success. */
    @Test
    void twoExportsAtTheSameTimeDoNotMix() {
        try (Gallery from = memory()) {
            fill(from, 3);
            List<String> refused = new ArrayList<>();
            assertThat(GalleryTransfer.exportTo(from, folder, done -> {
                        try {
                            GalleryTransfer.exportTo(from, folder, other -> {});
                        } catch (GalleryException e) {
                            refused.add(e.getMessage());
                        }
                    }))
                    .isEqualTo(3);
            assertThat(refused)
                    .containsExactly("cannot export into " + folder
                            + ": another export writes into it; wait for its end," + " or choose another folder");
            assertThat(GalleryTransfer.info(folder).entries()).isEqualTo(3);
        }
    }

    @Test
    void anInterruptedThreadIsToldSo() {
        try (Gallery from = memory()) {
            fill(from, 3);
            Thread.currentThread().interrupt();
            assertThatThrownBy(() -> GalleryTransfer.exportTo(from, folder, done -> {}))
                    .isInstanceOf(GalleryException.class)
                    .hasMessage("the export into " + folder + " was interrupted; run it again");
        } finally {
            assertThat(Thread.interrupted()).isTrue();
        }
    }

    /** It is there until an export is complete. */
    @Test
    void anExportThatFailsCanBeRepeated() throws IOException {
        try (Gallery from = memory()) {
            fill(from, 3);
            assertThatThrownBy(() -> GalleryTransfer.exportTo(from, folder, done -> {
                        throw new IllegalStateException("of a test");
                    }))
                    .hasMessage("of a test");
            assertThat(folder.resolve("gallery.json.part")).exists();
            assertThat(GalleryTransfer.exportTo(from, folder, done -> {})).isEqualTo(3);
        }
    }

    /** A database cannot store U+0000; half of the entries used to be enrolled before that was noticed. */
    @Test
    void entriesThatADatabaseCannotStoreAreFoundBeforeAnyIsEnrolled() {
        TestDatabase database = TestDatabase.get();
        try (Gallery from = memory();
                Gallery to = Gallery.connect(database.dataSource(), TestDatabase.newName(), "model", D)) {
            fill(from, GalleryTransfer.PAGE);
            from.enroll("Ann", TestFaces.direction(1, D), "a\0b");
            GalleryTransfer.exportTo(from, folder.resolve("export"), done -> {});
            assertThatThrownBy(() ->
                            GalleryTransfer.importFrom(folder.resolve("export"), to, AttributesPolicy.KEEP, done -> {}))
                    .isInstanceOf(GalleryException.class)
                    .hasMessageStartingWith("an entry of Ann cannot be enrolled: texts in a database must not have");
            assertThatThrownBy(() -> GalleryTransfer.copy(from, to, AttributesPolicy.KEEP, done -> {}))
                    .isInstanceOf(GalleryException.class);
            assertThat(to.size()).isZero();
        }
    }

    @Nested
    class FoldersOfOtherPrograms {
        private String csv = "identity,note\na,1\nb,2\na,3\nc,\"4\n\"\nd,5\n";
        private String json = """
                {"format": "face-recognition gallery export", "version": 1, "fingerprint": "model", "dimension": 8}
                """;

        private Result importing(String array) throws IOException {
            try (Gallery to = memory()) {
                return importing(array, to);
            }
        }

        private Result importing(String array, Gallery to) throws IOException {
            Files.copy(
                    ARRAYS.resolve(array + ".npy"),
                    folder.resolve("embeddings.npy"),
                    StandardCopyOption.REPLACE_EXISTING);
            Files.writeString(folder.resolve("entries.csv"), csv);
            Files.writeString(folder.resolve("gallery.json"), json);
            try {
                return GalleryTransfer.importFrom(folder, to, AttributesPolicy.KEEP, done -> {});
            } finally {
                to.bindEmbeddingMode("not bound before");
            }
        }

        private void rejects(String array, String message) throws IOException {
            try (Gallery to = memory()) {
                assertThatThrownBy(() -> importing(array, to))
                        .isInstanceOf(GalleryException.class)
                        .hasMessageContaining(message)
                        .hasMessageContaining(folder.toString());
                assertThat(to.size()).as("nothing is enrolled").isZero();
            }
        }

        @ParameterizedTest
        @ValueSource(strings = {"good", "version2", "version3"})
        void areImported(String array) throws IOException {
            csv =
                    "\ufeffage,note,identity\r\n5,n1,Ann\r\n6,,\"B, \"\"Bob\"\"\"\r\n7,\"two\r\nlines\",ann\r\n,,C\n,,C\n\n";
            try (Gallery to = memory()) {
                assertThat(importing(array, to)).isEqualTo(new Result(5, 0));
                assertThat(to.entries())
                        .extracting(entry -> entry.identity() + "|" + entry.note())
                        .containsExactly("Ann|n1", "B, \"Bob\"|null", "Ann|two\r\nlines", "C|null", "C|null");
            }
        }

        /** Notes behind a space were lost without a word, and the index that pandas writes was refused. */
        @Test
        void namesOfColumnsMayHaveSpacesOrBeMissing() throws IOException {
            csv = ",identity , note,\tcontent_key,\n0,Ann, n 1 ,k1,\n1,Bob,n2,,x\n2,C,,,\n3,D,,,\n4,E,,,\n";
            try (Gallery to = memory()) {
                assertThat(importing("good", to)).isEqualTo(new Result(5, 0));
                assertThat(to.entries())
                        .extracting(entry -> entry.identity() + "|" + entry.note() + "|" + entry.contentKey())
                        .startsWith("Ann| n 1 |k1", "Bob|n2|null", "C|null|null");
            }
        }

        @ParameterizedTest
        @CsvSource(
                delimiter = '|',
                quoteCharacter = '`',
                value = {
                    "float64|must have values of type float32 ('<f4'), but has '<f8'",
                    "float16|must have values of type float32 ('<f4'), but has '<f2'",
                    "big-endian|must have values of type float32 ('<f4'), but has '>f4'",
                    "records|must have values of type float32 ('<f4'), but has values of another type",
                    "fortran|must have its values row by row, but has them column by column (Fortran order)",
                    "one-dimension|must have two dimensions, rows and 8 values, but has the shape (8,)",
                    "three-dimensions|must have two dimensions, rows and 8 values, but has the shape (5,4,2)",
                    "seven-values|must have rows of 8 values, but has rows of 7",
                    "nan|row 3, must have finite values, but has NaN or infinity",
                    "twice|row 4, must be L2-normalized, but has the norm 2.0",
                    "zeros|row 2, must be L2-normalized, but has the norm 0.0"
                })
        void rejectsOtherArrays(String array, String message) throws IOException {
            rejects(array, message);
        }

        @Test
        void rejectsTruncatedAndDamagedArrays() throws IOException {
            byte[] good = Files.readAllBytes(ARRAYS.resolve("good.npy"));
            importing("good");
            for (int length = 0; length <= good.length + 3; length++) {
                Files.write(folder.resolve("embeddings.npy"), Arrays.copyOf(good, length));
                if (length != good.length) {
                    try (Gallery to = memory()) {
                        assertThatThrownBy(
                                        () -> GalleryTransfer.importFrom(folder, to, AttributesPolicy.KEEP, done -> {}))
                                .as("%d bytes", length)
                                .isInstanceOf(GalleryException.class);
                        assertThat(to.size()).isZero();
                    }
                }
            }
            for (int at = 0; at < 128; at++) { // any other byte of the header: an error of this library, or no error
                byte[] changed = good.clone();
                changed[at] ^= 0x5a;
                Files.write(folder.resolve("embeddings.npy"), changed);
                try (Gallery to = memory()) {
                    GalleryTransfer.importFrom(folder, to, AttributesPolicy.KEEP, done -> {});
                } catch (GalleryException e) {
                    assertThat(e).hasMessageContaining("embeddings.npy");
                }
            }
        }

        /** As many bytes as the product of rows and values says, if that overflows. */
        @ParameterizedTest
        @ValueSource(strings = {"999999999999999999", "576460752303423488", "144115188075855873"})
        void rejectsMoreRowsThanThereCanBe(String rows) throws IOException {
            importing("good");
            Path file = folder.resolve("embeddings.npy");
            String text = Files.readString(file, ISO_8859_1);
            String blanks = " ".repeat(rows.length() - 1);
            assertThat(text).contains("(5, 8), }" + blanks);
            Files.writeString(file, text.replace("(5, 8), }" + blanks, "(" + rows + ", 8), }"), ISO_8859_1);
            try (Gallery to = memory()) {
                assertThatThrownBy(() -> GalleryTransfer.importFrom(folder, to, AttributesPolicy.KEEP, done -> {}))
                        .isInstanceOf(GalleryException.class)
                        .hasMessage(file + " must have " + rows
                                + " rows of 8 values, but has 5; it is truncated, copy or export it again");
            }
        }

        @Test
        void rejectsOtherTables() throws IOException {
            csv = "identity,note\na,1\nb,2\n";
            rejects("good", "must have as many rows as");
            csv = "identity\na\nb\nc\nd\ne\nf\n";
            rejects("good", "must have as many rows as");
            csv = "name,note\na,1\n";
            rejects("good", "one of which is identity, but begins with [name, note]");
            csv = "";
            rejects("good", "one of which is identity, but begins with []");
            csv = "identity,identity\na,b\n";
            rejects("good", "entries.csv cannot be read from line 1: ");
            csv = "identity,note, note\na,1,2\n";
            rejects("good", "entries.csv must have each column once, but has two columns named note");
            csv = "identity,note\na,1\nb\n";
            rejects(
                    "good",
                    "cannot be read from line 3: it must have a value for each column of the header, but has 1");
            csv = "identity,note\na,1\nb,\"2\nc,3\nd,4\n";
            rejects("good", "cannot be read from line 3: ");
            csv = "identity,note\na,1\n\"b\"x,2\n";
            rejects("good", "cannot be read from line 3: ");
            csv = "identity,note\na,1\n,2\n";
            rejects("good", "cannot be read from line 3: identity must have 1 to 1024 bytes in UTF-8, but has 0");
            csv = "identity,note\n\ufffd,1\n";
            rejects("good", "cannot be read from line 2: identity must be readable text");
            csv = "identity,note\na," + "n".repeat(5_000) + "\n";
            rejects("good", "cannot be read from line 2: note must have 1 to 4096 bytes");
            csv = "identity,attributes\na,{\n";
            rejects("good", "cannot be read from line 2: attributes must be a JSON object, but are not JSON");
            csv = "identity,attributes\na,[]\n";
            rejects("good", "cannot be read from line 2: attributes must be a JSON object");
            csv = "identity,note\na,\"" + "n".repeat(9 << 20);
            rejects("good", "has a longer one; a quotation mark is probably missing");
        }

        @Test
        void rejectsTablesThatAreNotInUtf8() throws IOException {
            importing("good");
            byte[] latin1 = "identity,note\na,1\nB\u00f6b,2\n".getBytes(ISO_8859_1);
            Files.write(folder.resolve("entries.csv"), latin1);
            try (Gallery to = memory()) {
                assertThatThrownBy(() -> GalleryTransfer.importFrom(folder, to, AttributesPolicy.KEEP, done -> {}))
                        .isInstanceOf(GalleryException.class)
                        .hasMessageContaining("it must be text in UTF-8, but is not");
            }
        }

        @Test
        void rejectsOtherDescriptions() throws IOException {
            importing("good");
            Path file = folder.resolve("gallery.json");
            for (String other : List.of(
                    "",
                    "[]",
                    "{",
                    "\"x\"",
                    json.replace("\"version\": 1", "\"version\": 2"),
                    json.replace("gallery export", "else"),
                    json.replace("8", "1"),
                    json.replace("8", "\"x\""),
                    json.replace("\"model\"", "null"),
                    json + " ".repeat(1 << 17))) {
                Files.writeString(file, other);
                assertThatThrownBy(() -> GalleryTransfer.info(folder))
                        .as(other.strip())
                        .isInstanceOf(GalleryException.class)
                        .hasMessageContaining(file.toString());
            }
            Files.delete(file);
            assertThatThrownBy(() -> GalleryTransfer.info(folder))
                    .isInstanceOf(GalleryException.class)
                    .hasMessage("folder " + folder + " must be that of an exported gallery, but has no gallery.json; if"
                            + " an export into it was interrupted, export again");
            json = json.replace("}", ", \"entries\": 6}");
            rejects("good", "must have 6 entries as gallery.json says, but has 5");
        }

        /** The norm of a row hardly changes with the last bits of its values. */
        @ParameterizedTest
        @ValueSource(strings = {"embeddings.npy", "entries.csv"})
        void noticesOneChangedBit(String name) throws IOException {
            Path export = folder.resolve("export");
            try (Gallery from = memory();
                    Gallery to = memory()) {
                fill(from, 50);
                GalleryTransfer.exportTo(from, export, done -> {});
                byte[] bytes = Files.readAllBytes(export.resolve(name));
                int at = name.endsWith("npy") ? 128 + 32 * 20 : new String(bytes, UTF_8).indexOf("p3,");
                bytes[at] ^= 1;
                Files.write(export.resolve(name), bytes);
                assertThatThrownBy(() -> GalleryTransfer.importFrom(export, to, AttributesPolicy.KEEP, done -> {}))
                        .isInstanceOf(GalleryException.class)
                        .hasMessageContaining(name + " was changed or damaged after the export");
                assertThat(to.size()).isZero();
            }
        }
    }
}
