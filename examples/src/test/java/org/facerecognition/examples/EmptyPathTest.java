package org.facerecognition.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** An empty word in place of a path, as from "$FOLDER" where that is not set: it was the whole current folder. */
class EmptyPathTest {
    private static final Path MISSING = Path.of("no-such-file");

    private static Arguments line(Object... words) {
        return Arguments.of(
                String.join(" ", Stream.of(words).map(w -> "'" + w + "'").toList()), words);
    }

    static Stream<Arguments> lines() {
        return Stream.of(
                line("embed", "", "--model", MISSING),
                line("embed", "one.png", "--model", ""),
                line("detect", "", "--detector", MISSING),
                line("detect", "one.png", "--detector", ""),
                line("align", "", "--detector", MISSING, "--out", MISSING),
                line("align", "one.png", "--detector", MISSING, "--out", ""),
                line("train", "--data", ""),
                line("train", "--data", MISSING, "--out", ""),
                line("train", "--data", MISSING, "--out", MISSING, "--verify-on-unseen", ""),
                line("evaluate", "--model", MISSING, "--data", MISSING, "--report", ""),
                line("verify", "", "two.png", "--model", MISSING),
                line("gallery", "enroll", "Ann", "", "--gallery", MISSING, "--model", MISSING),
                line("gallery", "enroll", "--folder", "", "--gallery", MISSING, "--model", MISSING),
                line("gallery", "list", "--gallery", ""),
                line("serve", "--model", MISSING, "--detector", MISSING, "--gallery", ""));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("lines")
    void isWrongUse(String name, Object[] words) {
        Cli.Result result = Cli.run(words);
        assertThat(result.err())
                .contains("a path must name a file or folder, but was empty; check the variable it came from, or give ."
                        + " for the current folder");
        assertThat(result.code()).isEqualTo(Main.USED_WRONGLY);
        assertThat(MISSING).doesNotExist();
    }

    /** The parser does not ask the converter why it rejects one of several paths. */
    @Test
    void amongOthersIsWrongUse() {
        Cli.Result result = Cli.run("embed", "one.png", "", "--model", MISSING);
        assertThat(result.err())
                .contains("error: Unmatched argument at index 2: '', which is empty; check the variable it came from");
        assertThat(result.code()).isEqualTo(Main.USED_WRONGLY);
    }

    @Test
    void namesTheOption() {
        assertThat(Cli.run("train", "--data", "").err())
                .contains("error: Invalid value for option '--data'", "a path must name a file or folder");
    }
}
