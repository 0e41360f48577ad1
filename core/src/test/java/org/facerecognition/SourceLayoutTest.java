package org.facerecognition;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Checks rules for the source files themselves: the number of files, their length and their width. */
class SourceLayoutTest {
    private static final List<String> MODULES =
            List.of("losses", "augment", "core", "examples", "examples/spark", "benchmarks");
    private static final int MAX_FILES_IN_BASE = 16;
    private static final int MAX_LINES = 400;
    private static final int MAX_COLUMNS = 120;

    private static List<Path> sources(String... folders) throws IOException {
        List<Path> files = new ArrayList<>();
        for (String module : MODULES) {
            for (String folder : folders) {
                Path root = Path.of("..", module, "src", folder, "java");
                try (Stream<Path> found = Files.exists(root) ? Files.walk(root) : Stream.empty()) {
                    found.filter(file -> file.toString().endsWith(".java")).forEach(files::add);
                }
            }
        }
        return files;
    }

    @Test
    void theBasePackageHasFewFiles() throws IOException {
        try (Stream<Path> files = Files.list(Path.of("src/main/java/org/facerecognition"))) {
            assertThat(files.filter(Files::isRegularFile)).hasSizeLessThanOrEqualTo(MAX_FILES_IN_BASE);
        }
    }

    /** The comment before the class must have a line that begins with "Long because". */
    @Test
    void longFilesExplainTheirLength() throws IOException {
        for (Path file : sources("main")) {
            String text = Files.readString(file);
            if (text.lines().count() > MAX_LINES) {
                assertThat(text).as(file.toString()).contains(" * Long because ");
            }
        }
    }

    @Test
    void noLineIsLongerThan120Columns() throws IOException {
        List<String> tooLong = new ArrayList<>();
        for (Path file : sources("main", "test")) {
            List<String> lines = Files.readAllLines(file);
            for (int i = 0; i < lines.size(); i++) {
                String line = lines.get(i);
                boolean hasText = line.contains("\""); // string literals may be long
                if (line.codePointCount(0, line.length()) > MAX_COLUMNS && !hasText) {
                    tooLong.add(file + ":" + (i + 1));
                }
            }
        }
        assertThat(tooLong).isEmpty();
    }
}
