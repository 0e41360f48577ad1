package org.facerecognition.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ResultFileTest {
    private static final String MACHINE = "Some Processor, 2 processors, 24 GiB, Linux, Java 17.0.15";

    private static final String OPTIONS = "-Xmx2g training 3 8; Python 3.12.3 with PyTorch 2.11.0";

    @TempDir
    Path folder;

    @Test
    void readsTheHeader() throws IOException {
        ResultFile result = ResultFile.read(written("abc1234"));
        assertThat(result.commit()).isEqualTo("abc1234");
        assertThat(result.machine()).isEqualTo(MACHINE);
        assertThat(result.environment()).isEqualTo("Commit abc1234, " + MACHINE + ", 1 March 2026");
    }

    @Test
    void anotherCommitIsMeasuredAgain() throws IOException {
        assertThat(ResultFile.isMeasured(written("abc1234"), "abc1234", MACHINE, OPTIONS))
                .isTrue();
        assertThat(ResultFile.isMeasured(written("abc1234"), "abc1235", MACHINE, OPTIONS))
                .isFalse();
    }

    @Test
    void anotherMachineIsMeasuredAgain() throws IOException {
        String other = MACHINE.replace("2 processors", "4 processors");
        assertThat(ResultFile.isMeasured(written("abc1234"), "abc1234", other, OPTIONS))
                .isFalse();
    }

    @Test
    void otherOptionsOrAnotherPythonAreMeasuredAgain() throws IOException {
        Path file = written("abc1234");
        assertThat(ResultFile.isMeasured(file, "abc1234", MACHINE, OPTIONS.replace("3 8", "5 8")))
                .isFalse();
        assertThat(ResultFile.isMeasured(file, "abc1234", MACHINE, OPTIONS.replaceFirst(";.*", "; no Python")))
                .isFalse();
    }

    @Test
    void anOldFileWithoutOptionsIsMeasuredAgainButItsTableCanBeWritten() throws IOException {
        Path file = written("abc1234");
        Files.writeString(file, Files.readString(file).replaceFirst("Options: .*\n", ""));
        assertThat(ResultFile.read(file).options()).isEmpty();
        assertThat(ResultFile.isMeasured(file, "abc1234", MACHINE, OPTIONS)).isFalse();
        assertThat(ResultFile.isMeasured(file, Set.of("abc1234"))).isTrue();
    }

    @Test
    void changedFilesAreMeasuredAgain() throws IOException {
        assertThat(ResultFile.isMeasured(written("abc1234+"), "abc1234+", MACHINE, OPTIONS))
                .isFalse();
        assertThat(ResultFile.isMeasured(written("abc1234+"), Set.of("abc1234+")))
                .isTrue(); // to write its table
    }

    @Test
    void aFileWithoutHeaderIsMeasuredAgain() throws IOException {
        Path file = Files.writeString(folder.resolve("training-idle.md"), "| table |\n");
        assertThat(ResultFile.isMeasured(file, Set.of("abc1234"))).isFalse();
        assertThat(ResultFile.isMeasured(folder.resolve("missing.md"), Set.of("abc1234")))
                .isFalse();
    }

    private Path written(String commit) throws IOException {
        return Files.writeString(
                folder.resolve("training-idle.md"),
                "Commit " + commit + ", " + MACHINE + ", 1 March 2026; 2 min. Median (minimum to maximum).\n"
                        + ResultFile.OPTIONS + OPTIONS + "\n| table |\n");
    }
}
