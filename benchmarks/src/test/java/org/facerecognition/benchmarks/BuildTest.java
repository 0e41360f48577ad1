package org.facerecognition.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;
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
    void rejectsABuildThatIsOlderThanAPom() throws IOException {
        write("pom.xml", 3);
        assertThatThrownBy(() -> Build.requireCurrent(root, "core", jar)).hasMessageContaining("pom.xml");
        write("pom.xml", 1);
        write("core/pom.xml", 3);
        assertThatThrownBy(() -> Build.requireCurrent(root, "core", jar)).hasMessageContaining("pom.xml");
    }

    @Test
    void rejectsABuildThatIsOlderThanTheDeletionOfASource() throws IOException {
        Files.delete(write("core/src/main/java/Deleted.java", 1)); // now: its folder is newer than the jar
        assertThatThrownBy(() -> Build.requireCurrent(root, "core", jar))
                .isInstanceOf(ArgumentException.class)
                .hasMessageContainingAll("core.jar", "java", "clean");
    }

    @Test
    void aBuildIsStampedByItsFiles() throws IOException {
        String stamp = Build.stamp(root);
        write(Program.JAR.toString(), 1);
        String withExamples = Build.stamp(root);
        assertThat(withExamples).isNotEqualTo(stamp).isEqualTo(Build.stamp(root));
        write(Program.JAR.toString(), 2);
        assertThat(Build.stamp(root)).isNotEqualTo(withExamples);
    }

    @Test
    void measurementsStopWhenCommitOrBuildChange() {
        MeasuredState start = new MeasuredState("abc1234", "jar 1");
        assertThatCode(() -> start.requireSame(new MeasuredState("abc1234", "jar 1"), "heads-idle"))
                .doesNotThrowAnyException();
        assertThatThrownBy(() -> start.requireSame(new MeasuredState("def5678", "jar 1"), "heads-idle"))
                .isInstanceOf(IOException.class)
                .hasMessageContainingAll("abc1234", "def5678", "heads-idle");
        assertThatThrownBy(() -> start.requireSame(new MeasuredState("abc1234", "jar 2"), "heads-idle"))
                .isInstanceOf(IOException.class)
                .hasMessageContainingAll("built again", "heads-idle");
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
        Files.setLastModifiedTime(Files.writeString(file, name), time(day));
        for (Path folder = file.getParent(); !folder.equals(root); folder = folder.getParent()) {
            Files.setLastModifiedTime(folder, time(1));
        }
        return file;
    }

    private static FileTime time(int day) {
        return FileTime.fromMillis(day * 86_400_000L);
    }
}
