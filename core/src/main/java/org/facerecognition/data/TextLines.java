package org.facerecognition.data;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.Charset;
import java.nio.charset.CoderResult;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import org.facerecognition.io.AtomicFile;

/** Reads text files that users and programs on any system have written. */
final class TextLines {
    private static final int PARTS_OF_HEAP = 8; // bytes, characters of 2 bytes, and lines are in memory together

    private TextLines() {}

    /**
     * Reads a file's lines: UTF-8, with or without the byte order mark that Windows' editors write, or UTF-16 with its
     * mark, as PowerShell writes it.
     *
     * @param what the file is, for messages
     * @throws DataException when the file is missing, unreadable, too large for a list or in another encoding
     */
    static List<String> read(Path file, String what) {
        byte[] bytes;
        try {
            long size = Files.size(file);
            long max = Math.min(Integer.MAX_VALUE - 8, Runtime.getRuntime().maxMemory() / PARTS_OF_HEAP);
            if (size > max) {
                throw new DataException(what + " " + file + " must be lines of text of at most " + max
                        + " bytes in all, but has " + size + "; give a text file, not the images or their records, or"
                        + " give Java more memory (-Xmx)");
            }
            bytes = Files.readAllBytes(file);
        } catch (IOException e) {
            throw new DataException(what + " " + file + " must exist and be readable: " + AtomicFile.reason(e), e);
        }
        if (starts(bytes, 0xff, 0xfe)) {
            return decode(bytes, 2, StandardCharsets.UTF_16LE, file);
        }
        if (starts(bytes, 0xfe, 0xff)) {
            return decode(bytes, 2, StandardCharsets.UTF_16BE, file);
        }
        return decode(bytes, starts(bytes, 0xef, 0xbb, 0xbf) ? 3 : 0, StandardCharsets.UTF_8, file);
    }

    private static boolean starts(byte[] bytes, int... mark) {
        return bytes.length >= mark.length
                && IntStream.range(0, mark.length).allMatch(i -> (bytes[i] & 0xff) == mark[i]);
    }

    private static List<String> decode(byte[] bytes, int from, Charset charset, Path file) {
        ByteBuffer in = ByteBuffer.wrap(bytes, from, bytes.length - from);
        CharBuffer text = CharBuffer.allocate(in.remaining()); // at most one for each byte
        CoderResult result = charset.newDecoder().decode(in, text, true);
        text.flip();
        if (result.isError()) {
            long line = text.chars().filter(character -> character == '\n').count() + 1;
            throw new DataException(
                    file + ", line " + line + " has letters that are not in " + charset + "; save the file as UTF-8");
        }
        return text.toString().lines().toList();
    }
}
