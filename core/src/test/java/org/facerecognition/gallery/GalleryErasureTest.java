package org.facerecognition.gallery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.facerecognition.io.ConfidentialFile;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Removed entries are erased, and only the owner can read the files. Earlier versions left removed entries in the file
 * until a compaction, and in freed blocks after it; their files were readable by everybody.
 */
class GalleryErasureTest {
    private static final int D = 16;

    @TempDir
    Path folder;

    private Path file;

    @BeforeEach
    void nameFile() {
        file = folder.resolve("people.gallery");
    }

    private Gallery open(SearchMethod method) {
        return Gallery.open(file, "model", D, method);
    }

    private static List<Enrollment> people(int from, int to) {
        return IntStream.range(from, to).mapToObj(i -> Traces.enrollment(i, D)).toList();
    }

    @ParameterizedTest
    @EnumSource
    void removalErasesTheEntryFromAllFiles(SearchMethod method) throws IOException {
        try (Gallery gallery = open(method)) {
            gallery.enroll(people(0, 20));
            gallery.remove(Traces.name(3));
            Traces.assertErased(folder, List.of(3), D);
            gallery.remove(8); // person 7
            Traces.assertErased(folder, List.of(3, 7), D);
            assertThat(gallery.identify(TestFaces.direction(3, D), 20, -1).matches())
                    .hasSize(18)
                    .noneMatch(match -> match.identity().equals(Traces.name(3)));
        }
        Traces.assertErased(folder, List.of(3, 7), D);
        try (Gallery gallery = open(method)) {
            assertThat(gallery.size()).isEqualTo(18);
            assertThat(gallery.entries()).allMatch(entry -> Traces.isIntact(entry, gallery, D));
            assertThat(gallery.enroll("next", TestFaces.direction(99, D))).isEqualTo(21);
        }
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "ON_DISK")
    void removalErasesTheEntryFromMemoryAndFindsTheRest(SearchMethod method) {
        MemorySegment segment = new MemorySegment(D, method);
        try (segment) {
            segment.reserve(40);
            for (int row = 0; row < 40; row++) { // ten images each of four people
                float[] unit = UnitVector.of(TestFaces.of(row / 10, row, D), D, "image");
                segment.append(List.of(new LogRecord.Enrolled(row + 1, "p" + row / 10, "note " + row, "key", unit)));
            }
            segment.indexFrom(0);
            int[] removed = {0, 1, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19};

            segment.remove(removed).run();

            for (int row : removed) {
                assertThat(segment.vectors().get(row)).containsOnly(0);
            }
            Rows.View view = segment.rows().view();
            assertThat(view.entry(0)).isEqualTo(new Entry(1, "p0", null, null));
            assertThat(view.entry(10).identity())
                    .as("the name of an identity without entries")
                    .isEmpty();
            float[] probe = UnitVector.of(TestFaces.of(0, 5, D), D, "probe");
            Hit best = segment.nearest(List.of(probe), view, 4, 64).get(0).get(0);
            assertThat(view.match(best))
                    .extracting(Match::identity, Match::note)
                    .containsExactly("p0", "note 5");
        }
    }

    @Test
    void removalErasesTheSavedGraph() throws IOException {
        Path graph = folder.resolve("people.gallery.hnsw");
        try (Gallery gallery = open(SearchMethod.HNSW)) {
            gallery.enroll(people(0, 50));
        }
        assertThat(graph).exists();
        try (Gallery gallery = open(SearchMethod.EXACT)) {
            gallery.remove(7);
            assertThat(graph).doesNotExist();
        }
        try (Gallery gallery = open(SearchMethod.HNSW)) {
            gallery.remove(9);
        }
        assertThat(graph).as("it would contain removed rows").doesNotExist();
        try (Gallery gallery = open(SearchMethod.HNSW)) {
            assertThat(gallery.identify(TestFaces.direction(30, D), 1, 0.99).isKnown())
                    .isTrue();
        }
        assertThat(graph).exists();
    }

    @ParameterizedTest
    @EnumSource(names = {"EXACT", "ON_DISK"})
    @DisabledOnOs(OS.WINDOWS)
    void compactionOverwritesTheOldFile(SearchMethod method) throws IOException {
        try (Gallery gallery = open(method)) {
            gallery.enroll(people(0, 20));
            try (var old = Files.newByteChannel(file)) { // keeps the old file's blocks accessible
                gallery.compact();
                ByteBuffer bytes = ByteBuffer.allocate((int) old.size());
                while (old.read(bytes) > 0) {
                    // reads until the buffer is full
                }
                assertThat(bytes.array()).containsOnly(0);
            }
            assertThat(gallery.size()).isEqualTo(20);
        }
        assertThat(folder.toFile().list())
                .filteredOn(name -> !name.equals("people.gallery.index"))
                .containsExactly("people.gallery");
    }

    @Test
    @DisabledOnOs(OS.WINDOWS)
    void openingErasesTemporaryFilesOfKilledWriters() throws IOException {
        open(SearchMethod.EXACT).close();
        Path orphan = folder.resolve(".people.gallery.0123456789abcdef.tmp");
        Files.copy(file, orphan);
        Files.setPosixFilePermissions(orphan, PosixFilePermissions.fromString("rw-------"));
        try (var channel = Files.newByteChannel(orphan)) {
            open(SearchMethod.EXACT).close();
            ByteBuffer bytes = ByteBuffer.allocate((int) channel.size());
            channel.read(bytes);
            assertThat(bytes.array()).containsOnly(0);
        }
        assertThat(orphan).doesNotExist();
    }

    @Test
    @DisabledOnOs(OS.WINDOWS)
    void onlyTheOwnerCanReadTheFiles() throws IOException {
        file = folder.resolve("new/deeper/people.gallery");
        try (Gallery gallery = open(SearchMethod.HNSW)) {
            gallery.enroll(people(0, 5));
            assertPermissions("new", "rwx------");
            assertPermissions("new/deeper", "rwx------");
            assertPermissions("new/deeper/people.gallery", "rw-------");
            assertPermissions("new/deeper/people.gallery.lock", "rw-------");
            gallery.compact();
            assertPermissions("new/deeper/people.gallery", "rw-------");
        }
        assertPermissions("new/deeper/people.gallery.hnsw", "rw-------");
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r--r--"));
        Gallery.openReadOnly(file, "model", D, SearchMethod.EXACT).close();
        assertPermissions("new/deeper/people.gallery", "rw-r--r--");
        open(SearchMethod.EXACT).close();
        assertPermissions("new/deeper/people.gallery", "rw-------");
    }

    private void assertPermissions(String name, String expected) throws IOException {
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(folder.resolve(name))))
                .as(name)
                .isEqualTo(expected);
    }

    @Test
    @DisabledOnOs(OS.WINDOWS)
    void rejectsAFileWithSeveralHardLinks() throws IOException {
        open(SearchMethod.EXACT).close();
        Path link = Files.createLink(folder.resolve("link.gallery"), file);
        for (Path path : List.of(file, link)) {
            assertThatThrownBy(() -> Gallery.open(path, "model", D))
                    .isInstanceOf(GalleryException.class)
                    .hasMessageContaining("has 2 hard links")
                    .hasMessageContaining(
                            "find them with \"find FOLDER -samefile " + path + "\" and delete all but one");
        }
        Files.delete(link);
        open(SearchMethod.EXACT).close();
    }

    /** A compaction that was killed left one, and the gallery, which had been renamed, was refused for it. */
    @Test
    @DisabledOnOs(OS.WINDOWS)
    void openingDeletesASecondNameThatAKilledWriterHasLeft() throws IOException {
        try (Gallery gallery = open(SearchMethod.EXACT)) {
            gallery.enroll(people(0, 5));
        }
        Path left = Files.createLink(folder.resolve(".people.gallery.0123456789abcdef.tmp"), file);
        Path renamed = Files.move(file, folder.resolve("renamed.gallery"));
        try (Gallery gallery = Gallery.open(renamed, "model", D)) {
            assertThat(gallery.size()).isEqualTo(5);
        }
        assertThat(left).doesNotExist();
    }

    /** It was there from the beginning, so that a process that was killed in a long compaction left it. */
    @Test
    @DisabledOnOs(OS.WINDOWS)
    void aReplacedFileHasNoSecondNameWhileTheNewOneIsWritten() throws IOException {
        Path old = folder.resolve("old");
        Files.writeString(old, "secret");
        try (var channel = Files.newByteChannel(old)) {
            ConfidentialFile.replace(old, out -> {
                out.write(1);
                assertThat(ConfidentialFile.hardLinks(old)).isEqualTo(1);
            });
            ByteBuffer bytes = ByteBuffer.allocate(6);
            channel.read(bytes);
            assertThat(bytes.array()).as("erased").containsOnly(0);
        }
        assertThat(Files.readAllBytes(old)).containsExactly(1);
        IOException full = new IOException("full");
        assertThatThrownBy(() -> ConfidentialFile.replace(old, out -> {
                    throw full;
                }))
                .isEqualTo(full);
        assertThat(Files.readAllBytes(old)).containsExactly(1);
        try (Stream<Path> files = Files.list(folder)) {
            assertThat(files).containsExactly(old);
        }
    }

    /** Names that look alike are one identity, which every form of the name removes. */
    @Test
    void everyFormOfANameRemovesTheIdentity() throws IOException {
        try (Gallery gallery = open(SearchMethod.EXACT)) {
            gallery.enroll("Anna M\u00fcller", TestFaces.direction(1, D), "first");
            gallery.enroll(" anna\u00a0\u200bmu\u0308ller ", TestFaces.direction(2, D), "second");
            assertThat(gallery.identities()).isEqualTo(Map.of("Anna M\u00fcller", 2));
            assertThat(gallery.remove("\u0410NNA M\u00dcLLER"))
                    .as("a Cyrillic A")
                    .isEqualTo(2);
            assertThat(Files.readString(file, StandardCharsets.ISO_8859_1)).doesNotContain("nna", "first", "second");
            gallery.enroll("ANNA M\u00dcLLER", TestFaces.direction(1, D));
            assertThat(gallery.identities().keySet()).isEqualTo(Set.of("ANNA M\u00dcLLER"));
        }
    }

    /** Earlier versions revoked the permissions of others before they noticed that the file was not a gallery. */
    @Test
    @DisabledOnOs(OS.WINDOWS)
    void doesNotTouchFoldersAndOtherFiles() throws IOException {
        Path photos = Files.createDirectory(folder.resolve("photos"));
        Path page = Files.writeString(folder.resolve("index.html"), "<html>".repeat(100));
        Path other = Files.writeString(folder.resolve("index.html.tmp"), "unrelated");
        for (Path path : List.of(photos, page)) {
            Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rwxr-xr-x"));
            assertThatThrownBy(() -> Gallery.open(path, "model", D))
                    .isInstanceOf(GalleryException.class)
                    .hasMessageMatching(".*(must be a file, but is a folder|must be a gallery file).*");
            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(path)))
                    .isEqualTo("rwxr-xr-x");
        }
        assertThat(other).hasContent("unrelated");
    }

    /** A compaction used to write back a form of a name that had been erased with its entry. */
    @Test
    void storesANameOnlyInItsFirstForm() throws IOException {
        Path names = folder.resolve("names.gallery");
        try (Gallery gallery = Gallery.open(names, "model", D)) {
            long first = gallery.enroll("ANNA MILLER", TestFaces.direction(1, D));
            gallery.enroll("Anna Miller", TestFaces.direction(2, D));
            assertThat(gallery.entries()).extracting(Entry::identity).containsOnly("ANNA MILLER");
            assertThat(Files.readString(names, StandardCharsets.ISO_8859_1)).doesNotContain("Anna Miller");
            gallery.remove(first);
            gallery.compact();
            assertThat(gallery.entries()).extracting(Entry::identity).containsExactly("ANNA MILLER");
        }
        try (Gallery gallery = Gallery.open(names, "model", D)) {
            assertThat(gallery.entries()).extracting(Entry::identity).containsExactly("ANNA MILLER");
        }
    }
}
