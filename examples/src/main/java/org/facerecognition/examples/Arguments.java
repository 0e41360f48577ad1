package org.facerecognition.examples;

import java.nio.charset.Charset;
import java.nio.charset.IllegalCharsetNameException;
import java.nio.charset.StandardCharsets;
import java.nio.charset.UnsupportedCharsetException;
import java.util.Optional;
import org.facerecognition.gallery.Gallery;

/**
 * Checks whether this process could read its arguments. Without a UTF-8 locale, every byte of a character outside ASCII
 * arrives as the same replacement character, so that different names become equal and files are not found.
 */
final class Arguments {
    private static final char REPLACEMENT = '\uFFFD';
    private static final String ADVICE = "this process has no UTF-8 locale; set LC_ALL=C.UTF-8";

    private Arguments() {}

    /** Returns why an argument cannot be used; empty if all could be read. */
    static Optional<String> unreadable(String... words) {
        for (int i = 0; i < words.length; i++) {
            if (words[i].indexOf(REPLACEMENT) >= 0) {
                return Optional.of(
                        "argument " + (i + 1) + " must be readable text, but has characters that could not be"
                                + " read (" + words[i] + "): " + ADVICE);
            }
        }
        return Optional.empty();
    }

    /**
     * Returns a person's name in the form in which the gallery takes it.
     *
     * @throws IllegalArgumentException when it is not a valid name, or could not be read
     */
    static String name(String name) {
        checkReadable(name, nativeCharset());
        return Gallery.checkName(name);
    }

    /**
     * Rejects a name that this process could not read. It accepts names that are not valid today, because an earlier
     * version may have enrolled them, and they can be removed.
     */
    static void checkReadable(String name) {
        checkReadable(name, nativeCharset());
    }

    /** @param charset of the process's arguments; where it lacks a character, there may be a question mark instead */
    static void checkReadable(String name, Charset charset) {
        boolean isUnicode = charset.name().startsWith("UTF");
        if (name.indexOf(REPLACEMENT) >= 0 || !isUnicode && name.indexOf('?') >= 0) {
            throw new IllegalArgumentException(
                    "a name must be readable text, but has characters that could not be read (" + name + "): "
                            + ADVICE);
        }
    }

    /** Returns what to do if names outside ASCII cannot be read, for the end of a sentence; empty if they can. */
    static String localeAdvice() {
        return nativeCharset().name().startsWith("UTF")
                ? ""
                : ": names with other characters are rejected; set LC_ALL=C.UTF-8";
    }

    static Charset nativeCharset() {
        try {
            return Charset.forName(System.getProperty("sun.jnu.encoding", "UTF-8"));
        } catch (IllegalCharsetNameException | UnsupportedCharsetException e) {
            return StandardCharsets.US_ASCII;
        }
    }
}
