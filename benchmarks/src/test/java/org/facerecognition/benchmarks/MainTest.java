package org.facerecognition.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.regex.Pattern;
import org.facerecognition.data.DataException;
import org.facerecognition.weights.WeightsException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MainTest {
    private final ByteArrayOutputStream errors = new ByteArrayOutputStream();

    @Test
    void aWrongArgumentIsOneSentenceAndNamesTheArguments() {
        assertThat(status(new ArgumentException("X must be 1, but was 2"))).isEqualTo(2);
        assertThat(errors.toString().lines()).containsExactly("error: X must be 1, but was 2; arguments are [ROUNDS]");
    }

    @Test
    void aWrongPathIsOneSentence() {
        assertThat(status(new UncheckedIOException(new NoSuchFileException("lfw"))))
                .isEqualTo(1);
        assertThat(errors.toString().lines())
                .containsExactly("error: there is no file or folder lfw; arguments are [ROUNDS]");
    }

    @Test
    void whatTheUserCanMendIsOneSentence() {
        assertThat(status(new IOException("disk full"))).isEqualTo(1);
        assertThat(status(new WeightsException("file x is damaged"))).isEqualTo(1);
        assertThat(status(new DataException("image y is truncated"))).isEqualTo(1);
        assertThat(errors.toString().lines())
                .containsExactly("error: disk full", "error: file x is damaged", "error: image y is truncated");
    }

    @Test
    void mistakesOfTheProgramHaveTheirStackTrace() {
        assertThat(status(new NumberFormatException("For input string: \"x\""))).isEqualTo(1);
        assertThat(status(new IllegalArgumentException("from inside"))).isEqualTo(1);
        assertThat(errors.toString()).contains("For input string", "from inside", "at ");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "losses", "augment", "core", "examples", "examples/spark", "benchmarks"})
    void commandsOfReadmesNameBenchmarks(String folder) throws IOException {
        String text = Files.readString(Path.of("..", folder, "README.md"));
        assertThat(Pattern.compile("benchmarks\\.jar ([a-z-]+)")
                        .matcher(text)
                        .results()
                        .map(command -> command.group(1)))
                .isSubsetOf(Main.names());
    }

    private int status(Throwable cause) {
        return Main.status(cause, "[ROUNDS]", new PrintStream(errors, true));
    }
}
