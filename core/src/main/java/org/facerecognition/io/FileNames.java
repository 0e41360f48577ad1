package org.facerecognition.io;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.Charset;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.IllegalCharsetNameException;
import java.nio.charset.StandardCharsets;
import java.nio.charset.UnsupportedCharsetException;
import java.nio.file.FileSystemException;
import java.nio.file.FileSystems;
import java.nio.file.Path;
import java.util.Locale;

/**
 * Names of files that this process cannot decode, because it has no UTF-8 locale, or because the names are in an old
 * encoding. This is the only place that knows which of the two it is.
 */
/*
 * Java substitutes U+FFFD for what it cannot decode, so that different names become the same text, by which the files
 * cannot be opened. A path that was listed keeps the bytes of its names, which its URI shows.
 */
public final class FileNames {
    private static final char REPLACEMENT = '\uFFFD';

    private FileNames() {}

    /** Returns whether a text has no characters that stand for what could not be decoded. */
    public static boolean isReadable(String text) {
        return text.indexOf(REPLACEMENT) < 0;
    }

    /** Returns whether this process can decode all names in a path. */
    public static boolean isReadable(Path path) {
        return isReadable(path.toString());
    }

    /**
     * Refuses a path of another file system than the default one, such as in a ZIP archive: it has no locks, and no
     * random access.
     *
     * @throws FileSystemException if it is one; its reason is for the end of a sentence
     */
    public static void requireOnDisk(Path path) throws FileSystemException {
        if (!path.getFileSystem().equals(FileSystems.getDefault())) {
            throw new FileSystemException(
                    path.toString(),
                    null,
                    "it is not on the disk but in a file system such as that of an archive; use a file on the disk, and"
                            + " copy it");
        }
    }

    /** Returns why the name of a file cannot be decoded, and what to do, for the end of a sentence. */
    public static String remedy() {
        return remedy(charset(), "its name");
    }

    /**
     * Returns why a name cannot be decoded, and what to do, for the end of a sentence.
     *
     * @param charset of the process
     * @param name as the sentence calls it
     */
    public static String remedy(Charset charset, String name) {
        return isUnicode(charset)
                ? name + " is not UTF-8; rename the file or folder (for instance with convmv)"
                : "this process has no UTF-8 locale; set LC_ALL=C.UTF-8";
    }

    /** Returns whether every character has a code in a charset. */
    public static boolean isUnicode(Charset charset) {
        return charset.name().startsWith("UTF");
    }

    /** Returns the charset in which this process decodes its arguments and the names of files. */
    public static Charset charset() {
        try {
            return Charset.forName(System.getProperty("sun.jnu.encoding", "UTF-8"));
        } catch (IllegalCharsetNameException | UnsupportedCharsetException e) {
            return StandardCharsets.US_ASCII;
        }
    }

    /**
     * Returns a path as a text for people, in which names that this process cannot decode are decoded as UTF-8, and
     * bytes that are not UTF-8 are written as {@code \xE9}.
     */
    public static String text(Path path) {
        if (isReadable(path)) {
            return path.toString();
        }
        Path parent = path.getParent();
        Path name = path.getFileName();
        String last = name == null ? path.toString() : name(name);
        if (parent == null) {
            return last;
        }
        String above = text(parent);
        String separator = path.getFileSystem().getSeparator();
        return above.endsWith(separator) ? above + last : above + separator + last;
    }

    private static String name(Path name) {
        if (isReadable(name)) {
            return name.toString();
        }
        String uri = name.toUri().getRawPath();
        int end = uri.endsWith("/") ? uri.length() - 1 : uri.length();
        return decoded(uri.substring(uri.lastIndexOf('/', end - 1) + 1, end));
    }

    /** Decodes the bytes that a URI writes as {@code %E9}. */
    private static String decoded(String uri) {
        ByteBuffer bytes = ByteBuffer.allocate(uri.length());
        for (int i = 0; i < uri.length(); i++) {
            if (uri.charAt(i) == '%') {
                bytes.put((byte) Integer.parseInt(uri.substring(i + 1, i + 3), 16));
                i += 2;
            } else {
                bytes.put((byte) uri.charAt(i));
            }
        }
        bytes.flip();
        CharsetDecoder decoder = StandardCharsets.UTF_8.newDecoder();
        CharBuffer text = CharBuffer.allocate(4 * bytes.limit());
        CoderResult result = decoder.decode(bytes, text, true);
        while (result.isMalformed()) {
            for (int i = 0; i < result.length(); i++) {
                text.put(String.format(Locale.ROOT, "\\x%02X", bytes.get() & 0xff));
            }
            result = decoder.decode(bytes, text, true);
        }
        return text.flip().toString();
    }
}
