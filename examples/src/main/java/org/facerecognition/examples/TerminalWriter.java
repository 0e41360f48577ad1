package org.facerecognition.examples;

import java.io.PrintWriter;
import java.io.Writer;
import java.util.regex.Pattern;

/**
 * A writer whose text cannot command the terminal that shows it: names of files, and texts in files, are strangers'.
 * Control characters other than line breaks and tabs, and those that reverse the order of the text, become question
 * marks. The colors and styles of help texts remain.
 */
final class TerminalWriter extends PrintWriter {
    private static final Pattern COMMAND =
            Pattern.compile("(?!\\x1B\\[[0-9;]*m)[\\p{Cc}&&[^\\n\\r\\t]]|[\\u202A-\\u202E\\u2066-\\u2069]");

    /** Writes to {@code out}, and flushes it after each line. */
    TerminalWriter(Writer out) {
        super(out, true);
    }

    @Override
    public void write(String text, int offset, int length) {
        String safe = COMMAND.matcher(text.substring(offset, offset + length)).replaceAll("?");
        super.write(safe, 0, safe.length());
    }

    @Override
    public void write(char[] text, int offset, int length) {
        write(new String(text, offset, length), 0, length);
    }
}
