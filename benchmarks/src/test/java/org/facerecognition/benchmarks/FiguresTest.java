package org.facerecognition.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FiguresTest {
    @Test
    void leavesOutAFormerTable() {
        String plan = "| Computed, not measured: 52,496 images/s for 8 GPUs | threads |\n|---|---|\n| files | 16 |\n";
        assertThat(Figures.tables("| a | b |\n|---|---|\n| c | 1 |\n\n" + plan))
                .isEqualTo("| a | b |\n|---|---|\n| c | 1 |");
    }

    @Test
    void replacesAReadmeAtomically(@TempDir Path root) throws IOException {
        String old = "<!-- figures heads -->\nold\n<!-- end of figures heads -->\n";
        for (String folder : List.of("", "losses", "augment", "core", "examples", "benchmarks")) {
            Files.createDirectories(root.resolve(folder));
            Files.writeString(root.resolve(folder).resolve("README.md"), folder.equals("core") ? old : "\n");
        }
        Path readme = root.resolve("core/README.md");
        Path link = Files.createLink(root.resolve("link"), readme); // keeps the old file if another takes its place
        assertThat(Figures.write(root, "heads", "new")).isEqualTo(1);
        assertThat(readme).content().isEqualTo(old.replace("old", "\nnew\n"));
        assertThat(link).content().isEqualTo(old);
    }

    @Test
    void listsWhatWasSkippedOnceAtTheEnd() {
        String output = """
                skipping Python: it ended with status 1
                round 1/1  one 1 images/s
                skipping Python: it ended with status 1

                | a |
                |---|
                | 1 |
                a figure
                """;
        assertThat(Figures.tables(output)).isEqualTo("""
                | a |
                |---|
                | 1 |

                - a figure

                - skipping Python: it ended with status 1""");
    }
}
