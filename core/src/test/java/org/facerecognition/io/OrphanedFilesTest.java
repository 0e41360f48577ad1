package org.facerecognition.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Temporary files of dead writers are deleted, and those of live writers are kept. */
class OrphanedFilesTest {
    private static final String ORPHAN = ".model.0123456789abcdef.tmp";

    @TempDir
    Path folder;

    private Path file;

    @BeforeEach
    void nameFile() throws IOException {
        folder = folder.toRealPath();
        file = folder.resolve("model");
    }

    private List<String> names() throws IOException {
        try (var files = Files.list(folder)) {
            return files.map(path -> path.getFileName().toString()).sorted().toList();
        }
    }

    /** Returns the temporary file that is being written. */
    private Path temporary() throws IOException {
        return folder.resolve(names().stream()
                .filter(name -> name.matches("\\.model\\.[0-9a-f]{16}\\.tmp"))
                .findFirst()
                .orElseThrow());
    }

    @Test
    void theNextWriterDeletesTheFileOfAKilledProcess() throws Exception {
        try (FileChild child = FileChild.start()) {
            assertThat(child.ask("begin", file)).isEqualTo("half");
            assertThat(temporary()).hasSize(100_000);
            child.kill();
        }
        assertThat(names()).hasSize(1);
        AtomicFile.write(folder.resolve("other"), "text"); // a different target, so nothing is deleted
        assertThat(names()).hasSize(2);
        AtomicFile.write(file, "text");
        assertThat(names()).containsExactly("model", "other");
    }

    @Test
    void cleaningAFolderDeletesTheOrphansOfAllTargets() throws Exception {
        Files.writeString(folder.resolve(ORPHAN), "half");
        Files.writeString(folder.resolve(".other.0123456789abcdef.tmp"), "half");
        for (String name : List.of(
                "model.0123456789abcdef.tmp", ".model.tmp", ".model.0123456789ABCDEF.tmp", ".0123456789abcdef.tmp")) {
            Files.writeString(folder.resolve(name), "unrelated");
        }
        AtomicFile.clean(folder);
        assertThat(names()).hasSize(4).doesNotContain(ORPHAN, ".other.0123456789abcdef.tmp");
        AtomicFile.clean(folder.resolve("missing"));
    }

    @Test
    void cleaningBesideAFileDeletesOnlyItsOrphans() throws IOException {
        Files.writeString(folder.resolve(ORPHAN), "half");
        Files.writeString(folder.resolve(".other.0123456789abcdef.tmp"), "half");
        AtomicFile.cleanBeside(file);
        assertThat(names()).containsExactly(".other.0123456789abcdef.tmp");
    }

    @Test
    void keepsFilesThatAnotherProcessIsWriting() throws Exception {
        try (FileChild child = FileChild.start()) {
            assertThat(child.ask("begin", file)).isEqualTo("half");
            Path temporary = temporary();
            AtomicFile.clean(folder);
            AtomicFile.write(file, "text");
            assertThat(temporary).exists();
            assertThat(child.ask("go on")).isEqualTo("written");
        }
        assertThat(file).hasSize(200_000);
        assertThat(names()).containsExactly("model");
    }

    @Test
    void keepsFilesThatThisProcessIsWriting() throws Exception {
        try (FileChild child = FileChild.start()) {
            AtomicFile.writeStream(file, out -> {
                half(out);
                Path temporary = temporary();
                AtomicFile.clean(folder);
                AtomicFile.write(file, "in between");
                assertThat(temporary).exists();
                // cleaning has not released the lock either
                assertThat(child.ask("write", file, "x", 1)).isEqualTo("written");
                assertThat(temporary).exists();
                half(out);
            });
        }
        assertThat(file).hasSize(200_000);
        assertThat(names()).containsExactly("model");
    }

    @Test
    void repeatsAWriteWhoseFileWasDeletedAfterTheWriterClosedIt() throws Exception {
        List<Path> calls = new ArrayList<>();
        try (FileChild child = FileChild.start()) {
            AtomicFile.writePath(file, temporary -> {
                calls.add(temporary);
                Files.writeString(temporary, "text");
                if (calls.size() == 1) { // on Linux, closing has released the lock, so another process deletes the file
                    child.ask("write", file, "x", 1);
                    assumeFalse(
                            Files.exists(temporary), "on this system, closing a descriptor does not release the lock");
                }
            });
        }
        assertThat(calls).hasSize(2);
        assertThat(file).hasContent("text");
        assertThat(names()).containsExactly("model");
    }

    private void half(OutputStream out) throws IOException {
        out.write(new byte[100_000]);
        out.flush();
    }

    @Test
    void doesNotListALargeFolderForEveryFile() throws IOException {
        AtomicLong now = new AtomicLong();
        LongSupplier clock = () -> now.getAndAdd(6_000_000); // listing takes so many nanoseconds
        TemporaryFile.cleanBefore(folder.resolve("first"), clock);
        Path orphan = Files.writeString(folder.resolve(ORPHAN), "half");
        now.addAndGet(50_000_000_000L);
        TemporaryFile.cleanBefore(file, clock);
        assertThat(orphan).as("the folder was not listed again").exists();
        now.addAndGet(11_000_000_000L);
        TemporaryFile.cleanBefore(file, clock);
        assertThat(orphan).as("it was listed a minute later").doesNotExist();

        Files.writeString(orphan, "half");
        TemporaryFile.cleanBefore(file, clock);
        assertThat(orphan).exists();
        AtomicFile.cleanBeside(file);
        assertThat(orphan).as("an explicit call always cleans").doesNotExist();
    }

    @Test
    void listsASmallFolderForEveryFile() throws IOException {
        AtomicLong now = new AtomicLong();
        for (int i = 0; i < 2; i++) {
            Path orphan = Files.writeString(folder.resolve(ORPHAN), "half");
            TemporaryFile.cleanBefore(file, () -> now.getAndAdd(1_000_000));
            assertThat(orphan).doesNotExist();
        }
    }
}
