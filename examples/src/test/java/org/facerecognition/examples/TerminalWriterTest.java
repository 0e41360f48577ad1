package org.facerecognition.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.api.Test;

class TerminalWriterTest {
    private final StringWriter text = new StringWriter();
    private final PrintWriter writer = new TerminalWriter(text);

    @Test
    void replacesWhatCommandsATerminal() {
        writer.print("a\u001B]0;title\u0007b\u001B[2Jc\u0085\u009B2J\u202Egnp.exe");
        writer.append("\u001B[H").write("\u007F".toCharArray());
        assertThat(text).hasToString("a?]0;title?b?[2Jc??2J?gnp.exe?[H?");
    }

    @Test
    void writesEverythingElse() {
        writer.printf("%s\t\u001B[1mJos\u00E9\u001B[0m\r\n%d%n", "\uD83D\uDE42", 7);
        writer.println('x');
        assertThat(text)
                .hasToString(
                        "\uD83D\uDE42\t\u001B[1mJos\u00E9\u001B[0m\r\n7\nx\n".replace("7\nx\n", "7%nx%n".formatted()));
    }
}
