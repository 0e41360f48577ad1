package org.facerecognition.gallery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A gallery's file has at most one writer, in this process and in others. */
class GalleryLockTest {
    private static final int D = 4;
    private static final float[] X = {1, 0, 0, 0};
    private static final float[] Y = {0, 1, 0, 0};
    private static final float[] Z = {0, 0, 1, 0};

    @TempDir
    Path folder;

    private Path file;

    @BeforeEach
    void nameFile() {
        file = folder.resolve("people.gallery");
    }

    private Gallery open() {
        return Gallery.open(file, "model", D);
    }

    /** Opening the gallery "poetry" in a Python project used to empty poetry.lock, and to delete it later. */
    @Test
    void leavesALockFileOfAnotherProgramAsItIs() throws Exception {
        open().close();
        Path other = Files.writeString(folder.resolve("people.gallery.lock"), "[[package]]");
        assertThatThrownBy(this::open)
                .isInstanceOf(GalleryException.class)
                .hasMessage("cannot lock gallery " + file + ": " + other + " exists, but is no lock file; move it to"
                        + " another place; choose a writable folder, or open it for reading");
        assertThat(other).hasContent("[[package]]");
        Gallery.openReadOnly(file, "model", D, SearchMethod.EXACT).close();
        assertThat(other).hasContent("[[package]]");
    }

    /** An empty gallery would be created where the disk belongs, and everybody be unknown. */
    @Test
    @DisabledOnOs(OS.WINDOWS)
    void isNotCreatedWhereADiskIsNotMounted() throws Exception {
        Files.createSymbolicLink(file, folder.resolve("disk/people.gallery"));
        assertThatThrownBy(this::open)
                .isInstanceOf(GalleryException.class)
                .hasMessageStartingWith("cannot read gallery " + file + ": it is a link into ")
                .hasMessageContaining("which is missing; mount the disk that has it");
        assertThat(folder.resolve("disk")).doesNotExist();
        Files.createDirectory(folder.resolve("disk"));
        open().close();
        assertThat(folder.resolve("disk/people.gallery")).isRegularFile();
    }

    @Test
    void admitsOneWriterAndAnyNumberOfReaders() throws Exception {
        try (Gallery gallery = open()) {
            gallery.enroll("a", X);
            assertThatThrownBy(this::open)
                    .isInstanceOf(GalleryException.class)
                    .hasMessageStartingWith(
                            "gallery " + file + " is already open for writing in this process; close that one, or open"
                                    + " this one for reading; the lock is held by process "
                                    + ProcessHandle.current().pid());
            // on Linux, the rejected opening must not have released the lock
            assertThat(EnrollingChild.lastLine(EnrollingChild.start(file, 0, 1)))
                    .startsWith("error: gallery " + file
                            + " is already open for writing in another process; close that one, or open this one for"
                            + " reading; the lock is held by process "
                            + ProcessHandle.current().pid())
                    .contains(", a gallery writer since ");
            try (Gallery reader = Gallery.openReadOnly(file, "model", D, SearchMethod.EXACT)) {
                gallery.enroll("b", Y);
                assertThat(reader.size()).isEqualTo(1);
                assertThatThrownBy(() -> reader.enroll("c", Z))
                        .isInstanceOf(IllegalStateException.class)
                        .hasMessage("gallery " + file + " is open for reading; open it for writing to change it");
            }
        }
        open().close();
    }

    @Test
    @DisabledOnOs(OS.WINDOWS)
    void rejectsASecondWriterByEveryPathToTheFile() throws IOException {
        Path link = Files.createSymbolicLink(folder.resolve("link"), Path.of("."));
        try (Gallery gallery = Gallery.open(link.resolve("people.gallery"), "model", D)) {
            Path relative = Path.of("").toAbsolutePath().relativize(file.toAbsolutePath());
            for (Path path : List.of(file, relative, link.resolve("link/people.gallery"))) {
                assertThatThrownBy(() -> Gallery.open(path, "model", D))
                        .isInstanceOf(GalleryException.class)
                        .hasMessageContaining(" is already open for writing in this process");
            }
            gallery.enroll("a", X);
            gallery.compact();
        }
        try (Gallery gallery = open()) {
            assertThat(gallery.size()).isEqualTo(1);
        }
    }

    /** A garbage collection used to release the lock of an unreachable gallery. */
    @Test
    @DisabledOnOs(OS.WINDOWS)
    void anUnreachableGalleryKeepsItsLock() throws Exception {
        Path link = Files.createSymbolicLink(folder.resolve("link"), Path.of("."));
        Gallery.open(link.resolve("people.gallery"), "model", EnrollingChild.DIMENSION);
        for (int i = 0; i < 5; i++) {
            System.gc();
            Thread.sleep(10);
        }
        assertThat(EnrollingChild.lastLine(EnrollingChild.start(file, 0, 1)))
                .startsWith("error: gallery " + file + " is already open for writing in another process");
        assertThatThrownBy(this::open).hasMessageContaining("is already open for writing in this process");
    }

    /** Two containers that mount only the file have a lock each; one used to overwrite the other's entries. */
    @Test
    @DisabledOnOs(OS.WINDOWS)
    void noticesAWriterThatSeesAnotherLock() throws Exception {
        float[] embedding = new float[EnrollingChild.DIMENSION];
        embedding[0] = 1;
        try (Gallery gallery = Gallery.open(file, "model", EnrollingChild.DIMENSION)) {
            gallery.enroll("a", embedding);
            Files.delete(folder.resolve("people.gallery.lock"));
            assertThat(EnrollingChild.lastLine(EnrollingChild.start(file, 0, 1)))
                    .doesNotStartWith("error");
            for (int i = 0; i < 2; i++) {
                assertThatThrownBy(() -> gallery.enroll("b", embedding)).isInstanceOf(GalleryException.class);
            }
            assertThatThrownBy(() -> gallery.remove("a")).isInstanceOf(GalleryException.class);
            assertThat(gallery.identities()).containsOnlyKeys("a");
        }
        try (Gallery gallery = Gallery.open(file, "model", EnrollingChild.DIMENSION)) {
            assertThat(gallery.size()).isEqualTo(2);
            assertThat(gallery.identities()).doesNotContainKey("b");
        }
    }

    /** A compaction, and the first binding to a mode, rewrote the file without what another program had enrolled. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    @DisabledOnOs(OS.WINDOWS)
    void doesNotRewriteWhatAnotherProgramHasChanged(boolean compacts) throws Exception {
        float[] embedding = new float[EnrollingChild.DIMENSION];
        embedding[0] = 1;
        try (Gallery gallery = Gallery.open(file, "model", EnrollingChild.DIMENSION)) {
            gallery.enroll("a", embedding);
            Files.delete(folder.resolve("people.gallery.lock"));
            assertThat(EnrollingChild.lastLine(EnrollingChild.start(file, 0, 1)))
                    .doesNotStartWith("error");
            assertThatThrownBy(() -> {
                        if (compacts) {
                            gallery.compact();
                        } else {
                            gallery.bindEmbeddingMode("flip");
                        }
                    })
                    .isInstanceOf(GalleryException.class)
                    .hasMessageStartingWith("gallery " + file + " was changed by another program (");
        }
        try (Gallery gallery = Gallery.open(file, "model", EnrollingChild.DIMENSION)) {
            assertThat(gallery.size()).isEqualTo(2);
            assertThat(gallery.embeddingMode()).isEmpty();
        }
    }

    /** A copy that is restored over an open gallery used to receive nothing of what was then said to be enrolled. */
    @Test
    @DisabledOnOs(OS.WINDOWS)
    void noticesThatItsFileWasReplacedOrDeleted() throws Exception {
        open().close();
        Path copy = Files.copy(file, folder.resolve("copy"));
        try (Gallery gallery = open()) {
            Files.move(copy, file, StandardCopyOption.REPLACE_EXISTING);
            assertThatThrownBy(() -> gallery.enroll("a", X))
                    .isInstanceOf(GalleryException.class)
                    .hasMessage("gallery " + file + " was replaced by another program while it was open for writing;"
                            + " the entry of this change was not enrolled; let only one program write to it, and close"
                            + " it and open it again (containers see each other's lock only if they mount the folder of the"
                            + " gallery, not its file alone)");
        }
        try (Gallery gallery = open()) {
            gallery.enroll("a", X);
            Files.delete(file);
            assertThatThrownBy(() -> gallery.enroll("b", Y))
                    .isInstanceOf(GalleryException.class)
                    .hasMessageStartingWith("gallery " + file + " was deleted or moved while it was open for writing;");
            assertThat(gallery.size()).isEqualTo(1);
        }
    }
}
