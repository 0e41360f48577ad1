package org.facerecognition.examples;

import java.nio.charset.Charset;
import java.util.Optional;
import org.facerecognition.gallery.Gallery;
import org.facerecognition.io.FileNames;

/**
 * Checks whether this process could read its arguments. Every byte of a character outside its locale's encoding arrives
 * as the same replacement character, so that different names become equal and files are not found.
 */
final class Arguments {
    private Arguments() {}

    /** Returns why an argument cannot be used; empty if all could be read. */
    static Optional<String> unreadable(String... words) {
        for (int i = 0; i < words.length; i++) {
            if (!FileNames.isReadable(words[i])) {
                return Optional.of(
                        "argument " + (i + 1) + " must be readable text, but has characters that could not be"
                                + " read (" + words[i] + "): " + FileNames.remedy(FileNames.charset(), "it"));
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
        checkReadable(name, FileNames.charset());
        return Gallery.checkName(name);
    }

    /**
     * Rejects a name that this process could not read. It accepts names that are not valid today, because an earlier
     * version may have enrolled them, and they can be removed.
     */
    static void checkReadable(String name) {
        checkReadable(name, FileNames.charset());
    }

    /** @param charset of the process's arguments; where it lacks a character, there may be a question mark instead */
    static void checkReadable(String name, Charset charset) {
        boolean isUnicode = FileNames.isUnicode(charset);
        if (!FileNames.isReadable(name) || !isUnicode && name.indexOf('?') >= 0) {
            throw new IllegalArgumentException(
                    "a name must be readable text, but has characters that could not be read (" + name + "): "
                            + (isUnicode ? "it is not UTF-8; give it in UTF-8" : FileNames.remedy(charset, "it")));
        }
    }

    /** Returns what to do if names outside ASCII cannot be read, for the end of a sentence; empty if they can. */
    static String localeAdvice() {
        return FileNames.isUnicode(FileNames.charset())
                ? ""
                : ": names with other characters are rejected; set LC_ALL=C.UTF-8";
    }
}
