package org.facerecognition.examples;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import org.facerecognition.io.AtomicFile;
import org.jspecify.annotations.Nullable;

/**
 * Replaces {@code @FILE} among the words of a command line by the words in the file, which may name further files; one
 * that is named again within itself is ignored. Words are separated by spaces or line breaks. One that contains spaces
 * is quoted, or its part after the sign in {@code --option="a value"}; there, a backslash before a quote or another
 * backslash is left out. At the start of a word, # begins a comment. Elsewhere quotes, backslashes and # stand for
 * themselves, since paths contain them. A word that begins with @@ stands for itself without the first @, and one that
 * names no file for itself.
 */
final class ArgumentFiles {
    private static final int MAX_BYTES = 64 << 20;
    private static final char PREFIX = '@';
    private static final Pattern OPTION = Pattern.compile("--[a-z0-9-]+="); // before its value

    private ArgumentFiles() {}

    /**
     * Returns the words with those of the files.
     *
     * @throws IllegalArgumentException when a file cannot be read or is not text
     */
    static String[] expanded(String... words) {
        List<String> all = new ArrayList<>();
        for (String word : words) {
            expand(word, all, new HashSet<>());
        }
        return all.toArray(String[]::new);
    }

    /** Returns a word that {@link #expanded} takes for this one. */
    static String literal(String word) {
        return isReference(word) || word.startsWith("@@") ? PREFIX + word : word;
    }

    /** Returns whether a word would stand for the words of a file if there were one. */
    static boolean isReference(String word) {
        return word.length() > 1 && word.charAt(0) == PREFIX && word.charAt(1) != PREFIX;
    }

    private static void expand(String word, List<String> all, Set<Path> visited) {
        if (!isReference(word)) {
            all.add(word.startsWith("@@") ? word.substring(1) : word);
            return;
        }
        Path file;
        try {
            file = Path.of(word.substring(1));
        } catch (InvalidPathException e) {
            all.add(word);
            return;
        }
        if (!Files.exists(file)) {
            all.add(word);
        } else if (visited.add(file.toAbsolutePath())) {
            for (String inside : words(file)) {
                expand(inside, all, visited);
            }
        }
    }

    private static List<String> words(Path file) {
        String text = text(file);
        List<String> words = new ArrayList<>();
        int at = 0;
        while (at < text.length()) {
            if (isSpace(text.charAt(at))) {
                at++;
            } else if (text.charAt(at) == '#') {
                at = lineEnd(text, at);
            } else {
                StringBuilder word = new StringBuilder();
                at = readWord(text, at, word);
                words.add(word.toString());
            }
        }
        return words;
    }

    /** Appends the word that begins at an index, and returns the index after it. */
    private static int readWord(String text, int from, StringBuilder word) {
        int at = from;
        while (at < text.length() && !isSpace(text.charAt(at))) {
            if (isQuote(text.charAt(at))
                    && (word.isEmpty() || OPTION.matcher(word).matches())) {
                return readQuoted(text, at, word);
            }
            word.append(text.charAt(at++));
        }
        return at;
    }

    /** Appends what is between quotes, and returns the index after them; the end of a line closes them, too. */
    private static int readQuoted(String text, int from, StringBuilder word) {
        int end = lineEnd(text, from);
        int at = from + 1;
        while (at < end && text.charAt(at) != text.charAt(from)) {
            if (text.charAt(at) == '\\' && at + 1 < end && isEscaped(text.charAt(at + 1))) {
                at++;
            }
            word.append(text.charAt(at++));
        }
        return at + 1;
    }

    private static int lineEnd(String text, int from) {
        int at = from;
        while (at < text.length() && text.charAt(at) != '\n' && text.charAt(at) != '\r') {
            at++;
        }
        return at;
    }

    private static boolean isSpace(char character) {
        return character <= ' ';
    }

    private static boolean isQuote(char character) {
        return character == '"' || character == '\'';
    }

    private static boolean isEscaped(char character) {
        return isQuote(character) || character == '\\';
    }

    private static String text(Path file) {
        if (Files.isDirectory(file)) {
            throw unusable(file, "it is a folder", null);
        }
        byte[] bytes;
        try (InputStream in = Files.newInputStream(file)) {
            bytes = in.readNBytes(MAX_BYTES + 1);
        } catch (IOException e) {
            throw unusable(file, "it cannot be read: " + AtomicFile.reason(e), e);
        }
        if (bytes.length > MAX_BYTES) {
            throw unusable(file, "it has more than " + (MAX_BYTES >> 20) + " MiB", null);
        }
        String text = decoded(bytes, file);
        if (text.indexOf('\0') >= 0) {
            throw unusable(file, "it is not text", null);
        }
        return text;
    }

    /** Decodes UTF-8, with or without its mark, or UTF-16 with its mark, as lists of pairs are decoded. */
    private static String decoded(byte[] bytes, Path file) {
        int first = bytes.length < 2 ? 0 : (bytes[0] & 0xff) << 8 | bytes[1] & 0xff;
        Charset charset = first == 0xfffe
                ? StandardCharsets.UTF_16LE
                : first == 0xfeff ? StandardCharsets.UTF_16BE : StandardCharsets.UTF_8;
        try {
            String text = charset.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
            return text.startsWith("\ufeff") ? text.substring(1) : text;
        } catch (CharacterCodingException e) {
            throw unusable(file, "it is not text in " + charset + ", in which it has to be saved", e);
        }
    }

    private static IllegalArgumentException unusable(Path file, String why, @Nullable Exception cause) {
        return new IllegalArgumentException(
                "@" + file + " must name a text file with arguments, but " + why + "; write @@" + file
                        + " for an argument that begins with @",
                cause);
    }
}
