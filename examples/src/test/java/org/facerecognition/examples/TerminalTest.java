package org.facerecognition.examples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** Progress bars go to standard error; whether they were shown depended on the other streams. */
@EnabledOnOs(OS.LINUX)
class TerminalTest {
    @TempDir
    Path folder;

    /** A program that says whether it shows progress bars. */
    static final class Probe {
        public static void main(String[] args) throws IOException {
            Files.writeString(Path.of(args[0]), String.valueOf(Terminal.isInteractive()));
        }
    }

    @Test
    void devicesOfTerminalsAreTerminals() throws IOException {
        assertThat(Terminal.isTerminal(Path.of("/dev/tty"))).isTrue();
        assertThat(Terminal.isTerminal(Path.of("/dev/ptmx"))).isTrue();
    }

    @Test
    void filesAndOtherDevicesAreNone() throws IOException {
        assertThat(Terminal.isTerminal(Path.of("/dev/null"))).isFalse();
        assertThat(Terminal.isTerminal(Path.of("/dev/zero"))).isFalse();
        assertThat(Terminal.isTerminal(Files.writeString(folder.resolve("log"), "")))
                .isFalse();
        assertThat(Terminal.isTerminal(folder)).isFalse();
    }

    @Test
    void standardErrorInAFileIsNoTerminal() throws IOException, InterruptedException {
        ProcessBuilder program = new ProcessBuilder(probe()).redirectError(new File("/dev/null"));
        assertThat(program.start().waitFor()).isZero();
        assertThat(folder.resolve("answer")).hasContent("false");
    }

    /** As in {@code train 2> log} and {@code embed > out.tsv}, with a terminal that the program script provides. */
    @Test
    void onlyStandardErrorDecides() throws IOException, InterruptedException {
        assumeTrue(Files.isExecutable(Path.of("/usr/bin/script")));
        assertThat(atTerminal("2> $FILE")).isEqualTo("false");
        assertThat(atTerminal("> $FILE")).isEqualTo("true");
        assertThat(atTerminal("< /dev/null > $FILE")).isEqualTo("true");
        assertThat(atTerminal("2>&1 | cat")).isEqualTo("false");
    }

    private List<String> probe() {
        return List.of(
                System.getProperty("java.home") + "/bin/java",
                "-cp",
                System.getProperty("java.class.path"),
                Probe.class.getName(),
                folder.resolve("answer").toString());
    }

    private String atTerminal(String redirections) throws IOException, InterruptedException {
        Path script = folder.resolve("run.sh");
        String words = String.join(
                " ",
                probe().stream()
                        .map(word -> word.equals("-cp") ? word : ShellWord.ofPosix(word))
                        .toList());
        String file = ShellWord.of(folder.resolve("file"));
        Files.writeString(script, "FILE=" + file + "\n" + words + " " + redirections + "\n");
        Files.deleteIfExists(folder.resolve("answer"));
        Process terminal = new ProcessBuilder("/usr/bin/script", "-qec", "sh " + ShellWord.of(script), "/dev/null")
                .redirectInput(new File("/dev/null"))
                .redirectOutput(folder.resolve("terminal").toFile())
                .redirectErrorStream(true)
                .start();
        assertThat(terminal.waitFor(60, TimeUnit.SECONDS)).isTrue();
        return Files.readString(folder.resolve("answer"));
    }
}
