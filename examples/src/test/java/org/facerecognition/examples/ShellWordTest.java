package org.facerecognition.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ShellWordTest {
    @Test
    void plainPathsAreNotQuoted() {
        assertThat(ShellWord.ofPosix("a/b.c-d_1")).isEqualTo("a/b.c-d_1");
        assertThat(ShellWord.ofWindows("C:\\faces\\a.png")).isEqualTo("C:\\faces\\a.png");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "my demo/x",
                "$HOME",
                "a\\b",
                "it's",
                "'",
                "\"x\"",
                "`id`",
                "a!b",
                "~x",
                "a*",
                "a;b",
                "(a)",
                "a\nb",
                "é"
            })
    @DisabledOnOs(OS.WINDOWS)
    void aShellReadsThePathAsItIs(String path) throws IOException, InterruptedException {
        Process shell = new ProcessBuilder("sh", "-c", "printf %s " + ShellWord.ofPosix(path)).start();
        shell.getOutputStream().close();
        assertThat(new String(shell.getInputStream().readAllBytes(), StandardCharsets.UTF_8))
                .isEqualTo(path);
        assertThat(shell.waitFor()).isZero();
    }

    @Test
    void aPathIsNoOption() {
        assertThat(ShellWord.ofPosix("-out")).isEqualTo("./-out");
        assertThat(ShellWord.ofPosix("--my demo")).isEqualTo("'./--my demo'");
        assertThat(ShellWord.ofWindows("-my demo")).isEqualTo("\".\\-my demo\"");
    }

    @Test
    @DisabledOnOs(OS.WINDOWS)
    void theJarIsQuotedToo() {
        Path here = Path.of("/home/ann");
        assertThat(Main.program(here.resolve("my jars/a.jar"), here)).isEqualTo("java -jar 'my jars/a.jar'");
        assertThat(Main.program(Path.of("/opt/$x.jar"), here)).isEqualTo("java -jar '/opt/$x.jar'");
        assertThat(Main.program(Path.of("/opt/x.jar"), here)).isEqualTo("java -jar /opt/x.jar");
    }
}
