package org.facerecognition.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** The ends of programs. */
@DisabledOnOs(OS.WINDOWS)
class ProcessesTest {
    @Test
    void namesAProgramThatWasKilledAndItsStatus() throws IOException {
        Process process = new ProcessBuilder("sh", "-c", "kill -9 $$").start();
        assertThatThrownBy(() -> Child.readLine(process, process.inputReader(), "the peer"))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("the peer ended with status 137");
    }

    @Test
    void quotesTheLastMessageOfAProgramThatEnded() throws IOException {
        Process process = new ProcessBuilder("sh", "-c", "echo first >&2; echo no torch >&2; echo >&2; exit 3").start();
        LastLine errors = new LastLine(process);
        assertThatThrownBy(() -> Child.readLine(process, process.inputReader(), "it", errors))
                .isInstanceOf(IOException.class)
                .hasMessage("it ended with status 3 before it answered: no torch");
    }

    @Test
    void exportsGoOnWithoutAProgramThatIsMissingOrFails(@TempDir Path folder) throws Exception {
        Path input = folder.resolve("images");
        assertThat(ExportsBenchmark.child("Python", command("/no/such/python"), "net.pt", input))
                .isEmpty();
        assertThat(ExportsBenchmark.child("Python", command("false"), "net.pt", input))
                .isEmpty();
    }

    private static List<String> command(String program) {
        return new ArrayList<>(List.of(program));
    }

    @Test
    void aBusyLoopThatEndedFailsTheMeasurement() throws Exception {
        List<ProcessHandle> before = ProcessHandle.current().children().toList();
        Neighbors neighbors = new Neighbors(2);
        ProcessHandle loop = ProcessHandle.current()
                .children()
                .filter(child -> !before.contains(child))
                .findFirst()
                .orElseThrow();
        loop.destroyForcibly();
        loop.onExit().get(10, TimeUnit.SECONDS);
        assertThatThrownBy(neighbors::close)
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("a busy loop ended with status 137");
    }

    /** It ended the command, after hours, though the other measurements could go on. */
    @Test
    void aMeasurementWithoutItsBusyLoopFailsAlone() {
        String kill = "for loop in $(ps -o pid=,args= --ppid $PPID | grep [B]usyLoop | awk '{ print $1 }'); do"
                + " kill -9 $loop; while kill -0 $loop; do sleep 0.05; done; done; echo measured";
        assertThatThrownBy(() -> BenchmarkProcess.run("training-busy", List.of("sh", "-c", kill), 1))
                .isInstanceOf(FailedRun.class)
                .hasMessageStartingWith("training-busy does not count: a busy loop ended with status 137");
    }

    @Test
    void anInterruptedProgramDeletesItsTemporaryFolder() throws Exception {
        Process process = new ProcessBuilder(Child.javaCommand(Interrupted.class)).start();
        Path folder = Path.of(process.inputReader().readLine());
        assertThat(folder.resolve("in").resolve("file")).exists();
        process.destroy();
        assertThat(process.waitFor(20, TimeUnit.SECONDS)).isTrue();
        assertThat(folder).doesNotExist();
    }

    /** Uses a temporary folder until it is ended. */
    static final class Interrupted {
        private Interrupted() {}

        public static void main(String[] args) throws Exception {
            try (TemporaryFolder folder = TemporaryFolder.create("interrupted")) {
                Files.writeString(
                        Files.createDirectory(folder.path().resolve("in")).resolve("file"), "content");
                new ProcessBuilder("sleep", "100").start();
                System.out.println(folder.path());
                Thread.sleep(100_000);
            }
        }
    }
}
