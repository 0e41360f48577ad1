package org.facerecognition.benchmarks;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BuildTest {
    @TempDir
    Path root;

    private Path jar;

    @BeforeEach
    void build() throws IOException {
        write("core/src/main/java/Some.java", 1);
        jar = write("core/target/core.jar", 2);
    }

    @Test
    void acceptsABuildOfTheSources() {
        assertThatCode(() -> Build.requireCurrent(root, "core", jar)).doesNotThrowAnyException();
    }

    @Test
    void acceptsAChangedReadme() throws IOException {
        write("core/README.md", 3);
        assertThatCode(() -> Build.requireCurrent(root, "core", jar)).doesNotThrowAnyException();
    }

    @Test
    void rejectsABuildThatIsOlderThanASource() throws IOException {
        write("core/src/main/java/Other.java", 3);
        assertThatThrownBy(() -> Build.requireCurrent(root, "core", jar))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContainingAll("core.jar", "Other.java", "rebuild first");
    }

    @Test
    void comparesTheNewestFileOfAFolderOfClasses() throws IOException {
        write("core/target/classes/Old.class", 1);
        write("core/target/classes/Some.class", 2);
        assertThatCode(() -> Build.requireCurrent(root, "core", root.resolve("core/target/classes")))
                .doesNotThrowAnyException();
    }

    private Path write(String name, int day) throws IOException {
        Path file = root.resolve(name);
        Files.createDirectories(file.getParent());
        return Files.setLastModifiedTime(Files.writeString(file, name), FileTime.fromMillis(day * 86_400_000L));
    }
}
