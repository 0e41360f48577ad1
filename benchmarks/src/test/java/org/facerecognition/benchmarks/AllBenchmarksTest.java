package org.facerecognition.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** All tests write tables only and measure nothing. */
class AllBenchmarksTest {
    private static final String ONE = "One Processor, 2 processors, 24 GiB, Linux, Java 17.0.15";
    private static final String OTHER = "Other Processor, 8 processors, 64 GiB, Linux, Java 21.0.7";
    private static final String MARKERS = "<!-- figures training -->\nold\n<!-- end of figures training -->\n";

    @TempDir
    Path root;

    @BeforeEach
    void repository() throws IOException {
        Files.createDirectories(root.resolve("benchmarks/results"));
        for (String folder : List.of("", "losses", "augment", "core", "examples", "benchmarks")) {
            Files.createDirectories(root.resolve(folder));
            Files.writeString(root.resolve(folder).resolve("README.md"), folder.equals("benchmarks") ? MARKERS : "\n");
        }
    }

    @Test
    void writesATableOfOneMachine() throws Exception {
        result("training-idle", ONE);
        result("training-busy", ONE);
        run("training", "tables=abc1234");
        assertThat(readme())
                .contains("Commit abc1234, " + ONE, "| table of training-busy |")
                .doesNotContain("old");
    }

    @Test
    void aTableSaysWithWhichPythonItWasMeasuredAndWhatWasSkipped() throws Exception {
        result("training-idle", ONE);
        result("training-busy", ONE);
        Path idle = root.resolve("benchmarks/results/training-idle.md");
        Files.writeString(
                idle,
                Files.readString(idle)
                        .replaceFirst("\n", "\nOptions: -Xmx2g training 3 8; no Python\nskipping Python: why\n"));
        run("training", "tables=abc1234");
        assertThat(readme())
                .contains("training 3 8`; no Python\n", "- skipping Python: why")
                .doesNotContain("Options");
    }

    /** The command that measures now may be another. */
    @Test
    void aTableSaysWithWhichCommandItWasMeasured() throws Exception {
        result("training-idle", ONE);
        result("training-busy", ONE);
        Path idle = root.resolve("benchmarks/results/training-idle.md");
        Files.writeString(
                idle, Files.readString(idle).replaceFirst("\n", "\nOptions: -Xmx3g training 123 {orl}; no Python\n"));
        run("training", "tables=abc1234");
        assertThat(readme())
                .contains("\n`java -Xmx3g -jar benchmarks/target/benchmarks.jar training 123 orl`; no Python\n");
    }

    @Test
    void rejectsATableOfTwoMachines() throws Exception {
        result("training-idle", ONE);
        result("training-busy", OTHER);
        assertThatThrownBy(() -> run("training", "tables=abc1234"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContainingAll("training-idle.md", ONE, "training-busy.md", OTHER);
        assertThat(readme()).isEqualTo(MARKERS);
    }

    @Test
    void writesTablesOfSeveralCommits() throws Exception {
        result("training-idle", ONE);
        result("training-busy", ONE);
        run("training", "tables=def5678,abc1234");
        assertThat(readme()).contains("Commit abc1234, " + ONE, "| table of training-busy |");
    }

    @Test
    void rejectsATableOfTwoCommits() throws Exception {
        result("training-idle", ONE);
        result("training-busy", ONE);
        Path busy = root.resolve("benchmarks/results/training-busy.md");
        Files.writeString(busy, Files.readString(busy).replace("abc1234", "def5678"));
        assertThatThrownBy(() -> run("training", "tables=def5678,abc1234"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContainingAll("training-idle.md is of abc1234", "training-busy.md of def5678");
        assertThat(readme()).isEqualTo(MARKERS);
    }

    @Test
    void rejectsASummaryOfTwoMachines() throws Exception {
        for (String section : Summary.SECTIONS) {
            String machine = section.equals("heads") ? OTHER : ONE;
            result(section + "-idle", machine);
            result(section + "-busy", machine);
        }
        assertThatThrownBy(() -> run("training", "tables=abc1234"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContainingAll("training-idle.md", ONE, "heads-idle.md", OTHER);
    }

    @Test
    void rejectsAnotherFolderThanTheRoot() throws Exception {
        assertThatThrownBy(() -> new AllBenchmarks(root.resolve("benchmarks"))
                        .runAll(new String[] {"training", "tables=abc1234"}))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("must be the root of a clone");
    }

    @ParameterizedTest
    @CsvSource({
        "trainnig, trainnig",
        "accuracy-busy, accuracy-busy",
        "tables=, tables=",
        "orl=, orl=",
        "orl=a orl=b, orl=",
        "orll=a, orll"
    })
    void rejectsWrongArguments(String arguments, String named) {
        assertThatThrownBy(() -> new AllBenchmarks(root).arguments(arguments.split(" ")))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(named);
    }

    @Test
    void takesNamesOfBenchmarksAndRunsAndData() {
        AllArguments arguments = new AllBenchmarks(root)
                .arguments(new String[] {"heads", "training-busy", "celeba-ir=a", "database=jdbc:x?user=y"});
        assertThat(arguments.names()).containsExactly("heads", "training-busy");
        assertThat(arguments.values()).containsEntry("celeba-ir", "a").containsEntry("database", "jdbc:x?user=y");
    }

    private void run(String... arguments) throws IOException, InterruptedException {
        new AllBenchmarks(root).runAll(arguments);
    }

    private void result(String name, String machine) throws IOException {
        Files.writeString(
                root.resolve("benchmarks/results").resolve(name + ".md"),
                "Commit abc1234, " + machine + ", 1 March 2026; 2 min.\n\n| table of " + name + " |\n|---|\n");
    }

    private String readme() throws IOException {
        return Files.readString(root.resolve("benchmarks/README.md"));
    }
}
