package org.facerecognition.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import org.junit.jupiter.api.Test;

class MainTest {
    private final ByteArrayOutputStream errors = new ByteArrayOutputStream();

    @Test
    void aWrongArgumentIsOneSentence() {
        assertThat(status(new IllegalArgumentException("X must be 1, but was 2")))
                .isEqualTo(2);
        assertThat(errors.toString().lines()).containsExactly("error: X must be 1, but was 2");
    }

    @Test
    void aWordInPlaceOfANumberNamesTheArguments() {
        assertThat(status(new NumberFormatException("For input string: \"x\""))).isEqualTo(2);
        assertThat(errors.toString().lines())
                .containsExactly("error: a number was expected (For input string: \"x\"); arguments are [ROUNDS]");
    }

    @Test
    void otherFailuresHaveTheirStackTrace() {
        assertThat(status(new IOException("disk full"))).isEqualTo(1);
        assertThat(errors.toString()).contains("disk full", "at ");
    }

    private int status(Throwable cause) {
        return Main.status(cause, "[ROUNDS]", new PrintStream(errors, true));
    }
}
