package org.facerecognition.io;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * Says which text or archive somebody got in place of a binary file, such as the error page of a server, with the way
 * out.
 */
public final class ForeignText {
    private static final int START_BYTES = 4096;
    private static final String UTF_8_MARK = "\u00ef\u00bb\u00bf"; // the byte order mark, its bytes as characters

    /** The first bytes of formats, in hexadecimal digits, and what to say of them. */
    private static final Map<String, String> ARCHIVES = Map.of(
            "1f8b", "is compressed with gzip",
            "425a68", "is compressed with bzip2",
            "fd377a585a00", "is compressed with xz",
            "28b52ffd", "is compressed with zstd",
            "377abcaf271c", "is a 7z archive",
            "526172211a07", "is a RAR archive",
            "504b0304", "is a zip archive");

    private ForeignText() {}

    /**
     * Describes a file that is text, an archive or empty; as {@link #describe(byte[], String, String)}.
     *
     * @return empty also where it cannot be read
     */
    public static Optional<String> describe(Path file, String wanted, String name) {
        try (InputStream in = Files.newInputStream(file)) {
            return describe(in.readNBytes(START_BYTES), wanted, name);
        } catch (IOException e) { // whoever reads the file says why it cannot be read
            return Optional.empty();
        }
    }

    /**
     * Describes a file that is text, an archive or empty.
     *
     * @param bytes of the file, or the first of them
     * @param wanted what the file should be, such as {@code weights}
     * @param file the file that should be given, such as {@code the file of weights}
     * @return a sentence without its subject, such as {@code is a Git LFS pointer, not weights; fetch the file itself
     *     (git lfs pull)}; empty where the bytes are something else
     */
    public static Optional<String> describe(byte[] bytes, String wanted, String file) {
        if (bytes.length == 0) {
            return Optional.of("is empty; fetch it again");
        }
        byte[] start = Arrays.copyOf(bytes, Math.min(START_BYTES, bytes.length));
        String hex = HexFormat.of().formatHex(start, 0, Math.min(start.length, 16));
        Optional<String> archive = ARCHIVES.entrySet().stream()
                .filter(signature -> hex.startsWith(signature.getKey()))
                .map(signature -> signature.getValue() + "; unpack it and give " + file + " in it")
                .findFirst();
        if (archive.isPresent()) {
            return archive;
        }
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

    /**
     * Returns bytes as text in lower case, without the byte order mark and the space before it: UTF-16 if it has the
     * mark of that, as PowerShell writes it.
     */
    public static String of(byte[] bytes) {
        String text = new String(bytes, StandardCharsets.ISO_8859_1);
        if (text.startsWith("\u00ff\u00fe") || text.startsWith("\u00fe\u00ff")) {
            text = new String(bytes, StandardCharsets.UTF_16);
        } else if (text.startsWith(UTF_8_MARK)) {
            text = text.substring(UTF_8_MARK.length());
        }
        return text.stripLeading().toLowerCase(Locale.ROOT);
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
