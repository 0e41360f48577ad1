package org.facerecognition.examples;

import java.nio.charset.Charset;
import java.nio.charset.IllegalCharsetNameException;
import java.nio.charset.StandardCharsets;
import java.nio.charset.UnsupportedCharsetException;
import java.util.Optional;
import org.facerecognition.gallery.Gallery;

/**
 * Arguments as this process could read them. Without a UTF-8 locale each byte of a character beyond ASCII arrives as
 * the same sign, so that two people become one and files are not found.
 */
final class Arguments {
    private static final char REPLACEMENT = '\uFFFD';
    private static final String WAY_OUT = "this process has no UTF-8 locale; set LC_ALL=C.UTF-8";

    private Arguments() {}

    /** Why one of these cannot be used; empty where all could be read. */
    static Optional<String> unreadable(String... words) {
        for (int i = 0; i < words.length; i++) {
            if (words[i].indexOf(REPLACEMENT) >= 0) {
                return Optional.of(
                        "argument " + (i + 1) + " must be readable text, but has characters that could not be"
                                + " read (" + words[i] + "): " + WAY_OUT);
            }
        }
        return Optional.empty();
    }

    /**
     * A name of a person as the gallery takes it.
     *
     * @throws IllegalArgumentException when it cannot be a name, or could not be read
     */
    static String name(String name) {
        checkReadable(name, nativeCharset());
        return Gallery.checkName(name);
    }

    /**
     * Refuses a name that this process could not read; names that cannot be enrolled today may have been enrolled by
     * an earlier version, and be removed.
     */
    static void checkReadable(String name) {
        checkReadable(name, nativeCharset());
    }

    /** @param charset of the process's arguments; one that does not know a character may put a question mark there */
    static void checkReadable(String name, Charset charset) {
        boolean knowsAll = charset.name().startsWith("UTF");
        if (name.indexOf(REPLACEMENT) >= 0 || !knowsAll && name.indexOf('?') >= 0) {
            throw new IllegalArgumentException(
                    "a name must be readable text, but has characters that could not be read (" + name + "): "
                            + WAY_OUT);
        }
    }

    /** What to do where names beyond ASCII cannot be read; nothing elsewhere. */
    static String localeAdvice() {
        return nativeCharset().name().startsWith("UTF")
                ? ""
                : ": names with other characters are refused; set LC_ALL=C.UTF-8";
    }

    private static Charset nativeCharset() {
        try {
            return Charset.forName(System.getProperty("sun.jnu.encoding", "UTF-8"));
        } catch (IllegalCharsetNameException | UnsupportedCharsetException e) {
            return StandardCharsets.US_ASCII;
        }
    }
}
