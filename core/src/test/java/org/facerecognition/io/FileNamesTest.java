package org.facerecognition.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

class FileNamesTest {
    @TempDir
    Path folder;

    @Test
    void theRemedyDependsOnTheCharset() {
        assertThat(FileNames.remedy(StandardCharsets.US_ASCII, "its name"))
                .isEqualTo("this process has no UTF-8 locale; set LC_ALL=C.UTF-8");
        assertThat(FileNames.remedy(StandardCharsets.UTF_8, "its name"))
                .isEqualTo("its name is not UTF-8; rename the file or folder (for instance with convmv)");
    }

    @Test
    void readableNamesStayAsTheyAre() {
        Path path = folder.resolve("José 雷").resolve("a b%20.png");
        assertThat(FileNames.isReadable(path)).isTrue();
        assertThat(FileNames.text(path)).isEqualTo(path.toString());
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void bytesThatAreNotUtf8AreShown() throws Exception {
        Process made = new ProcessBuilder(
                        "/bin/bash", "-c", "mkdir $'Jos\\xe9' && touch $'Jos\\xe9/caf\\xe9 \\xc3\\xa9%.png'")
                .directory(folder.toFile())
                .start();
        assumeTrue(made.waitFor() == 0, "needs a file system that takes any bytes as a name");
        try (Stream<Path> all = Files.walk(folder)) {
            List<String> texts =
                    all.filter(Files::isRegularFile).map(FileNames::text).toList();
            assertThat(texts).containsExactly(folder + "/Jos\\xE9/caf\\xE9 é%.png");
        }
    }
}
