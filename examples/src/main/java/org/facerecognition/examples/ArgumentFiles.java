package org.facerecognition.examples;

import java.io.IOException;
import java.io.InputStream;
import java.io.StreamTokenizer;
import java.io.StringReader;
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
import org.facerecognition.io.AtomicFile;
import org.jspecify.annotations.Nullable;

/**
 * Replaces {@code @FILE} among the words of a command line by the words in the file, which may name further files; one
 * that is named again within itself is ignored. Words are separated by spaces or line breaks, quoted if they contain
 * spaces, and # begins a comment. A word that begins with @@ stands for itself without the first @, and one that names
 * no file for itself.
 */
final class ArgumentFiles {
    private static final int MAX_BYTES = 64 << 20;
    private static final char PREFIX = '@';

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
        StreamTokenizer tokens = new StreamTokenizer(new StringReader(text(file)));
        tokens.resetSyntax();
        tokens.wordChars(' ', 255);
        tokens.whitespaceChars(0, ' ');
        tokens.quoteChar('"');
        tokens.quoteChar('\'');
        tokens.commentChar('#');
        List<String> words = new ArrayList<>();
        try {
            while (tokens.nextToken() != StreamTokenizer.TT_EOF) {
                words.add(tokens.sval);
            }
        } catch (IOException e) {
            throw unusable(file, "it cannot be read: " + AtomicFile.reason(e), e);
        }
        return words;
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
