package org.facerecognition.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

class ExistenceTest {
    @TempDir
    Path folder;

    @Test
    void tellsWhetherAFileExists() throws IOException {
        Path file = folder.resolve("a");
        assertThat(Existence.of(file)).isFalse();
        assertThat(Existence.of(folder.resolve("b/c"))).isFalse();
        Files.createFile(file);
        assertThat(Existence.of(file)).isTrue();
        assertThat(Existence.of(folder)).isTrue();
        assertThat(Existence.of(file.resolve("in it"))).isFalse();
    }

    @Test
    @DisabledOnOs(OS.WINDOWS)
    void followsLinks() throws IOException {
        Path link = Files.createSymbolicLink(folder.resolve("link"), Path.of("a"));
        assertThat(Existence.of(link))
                .as("a link that was made before its file")
                .isFalse();
        Files.createFile(folder.resolve("a"));
        assertThat(Existence.of(link)).isTrue();
    }

    /** {@link Files#exists} says no, and what was to be resumed, or opened, would be made anew. */
    @Test
    @DisabledOnOs(OS.WINDOWS)
    void doesNotSayNoWhereItCannotBeTold() throws IOException {
        Path link = Files.createSymbolicLink(folder.resolve("link"), Path.of("disk/a"));
        assertThatThrownBy(() -> Existence.of(link))
                .isInstanceOf(IOException.class)
                .hasMessage("it is a link into " + folder.toRealPath().resolve("disk")
                        + ", which is missing; mount the disk that has it, create the folder, or remove the link");
        Path loop = Files.createSymbolicLink(folder.resolve("loop"), Path.of("loop"));
        assertThatThrownBy(() -> Existence.of(loop)).isInstanceOf(IOException.class);
        assertThatThrownBy(() -> Existence.of(folder.resolve("x".repeat(300)))).isInstanceOf(IOException.class);
    }

    @Test
    @DisabledOnOs(OS.WINDOWS)
    void onlyWhatIsGoneOrACircleIsADeadLink() throws IOException {
        Path file = Files.writeString(folder.resolve("file"), "there");
        Path loop = Files.createSymbolicLink(folder.resolve("one"), Path.of("other"));
        Files.createSymbolicLink(folder.resolve("other"), Path.of("one"));
        assertThat(Existence.isDeadLink(file, new NoSuchFileException("file"))).isTrue();
        assertThat(Existence.isDeadLink(
                        loop, new FileSystemException("one", null, "Too many levels of symbolic links")))
                .isTrue();
        assertThat(Existence.isDeadLink(file, new AccessDeniedException("file")))
                .isFalse();
        assertThat(Existence.isDeadLink(file, new FileSystemException("file", null, "Stale file handle")))
                .isFalse();
    }
}
