package org.facerecognition.io;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/** Says which text somebody got in place of a binary file, such as the error page of a server, with the way out. */
public final class ForeignText {
    private static final int START_BYTES = 4096;

    private ForeignText() {}

    /**
     * Describes a file that is text.
     *
     * @param bytes of the file, or the first of them
     * @param wanted what the file should be, such as {@code weights}
     * @param file the file that should be given, such as {@code the file of weights}
     * @return a sentence without its subject, such as {@code is a Git LFS pointer, not weights; fetch the file itself
     *     (git lfs pull)}; empty where the bytes are no text
     */
    public static Optional<String> describe(byte[] bytes, String wanted, String file) {
        byte[] start = Arrays.copyOf(bytes, Math.min(START_BYTES, bytes.length));
        String text = of(start);
        if (text.startsWith("version https://git-lfs")) {
            return Optional.of("is a Git LFS pointer, not " + wanted + "; fetch the file itself (git lfs pull)");
        }
        if (text.startsWith("<")) {
            return Optional.of("is a web page or other markup, not " + wanted + "; fetch the file itself");
        }
        if (text.startsWith("{") || text.startsWith("[")) {
            return Optional.of("is a JSON file, not " + wanted + "; name " + file);
        }
        return isText(start)
                ? Optional.of("is a text file, not " + wanted + "; fetch " + file + " itself")
                : Optional.empty();
    }

    /** Returns bytes as text in lower case, without the space before it. */
    public static String of(byte[] bytes) {
        return new String(bytes, StandardCharsets.ISO_8859_1).stripLeading().toLowerCase(Locale.ROOT);
    }

    private static boolean isText(byte[] start) {
        for (byte b : start) {
            if (b >= 0 && b < ' ' && b != '\n' && b != '\r' && b != '\t') {
                return false;
            }
        }
        return true;
    }
}
