package org.facerecognition.gallery;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Arrays;
import org.facerecognition.io.ConfidentialFile;

/**
 * What is saved beside a gallery's file, under names that may be those of other files: a file is neither replaced nor
 * erased unless it begins like one that this library has written, in this version or an earlier one.
 */
/*
 * A file of zeros is one whose erasure was interrupted, before it was deleted.
 */
final class DerivedFiles {
    private DerivedFiles() {}

    /** Erases what earlier versions have left beside a gallery that exists, and restricts the access to the rest. */
    static void prepare(Path gallery) {
        eraseLeftover(gallery, ".tmp", "FACEGAL\0\1\0\0\0");
        eraseLeftover(gallery, ".hnsw.tmp", "FACEHNS1");
        if (SavedGraph.isFree(gallery)) {
            ConfidentialFile.restrict(SavedGraph.of(gallery));
        }
        if (SavedIndex.isFree(gallery)) {
            ConfidentialFile.restrict(SavedIndex.of(gallery));
        }
    }

    /**
     * Erases a temporary file of earlier versions, which used fixed names.
     *
     * @param start what it begins with, in the version of the format of that time
     */
    private static void eraseLeftover(Path gallery, String suffix, String start) {
        Path leftover = gallery.resolveSibling(gallery.getFileName() + suffix);
        byte[] expected = start.getBytes(StandardCharsets.US_ASCII);
        try {
            if (Files.isRegularFile(leftover, LinkOption.NOFOLLOW_LINKS)
                    && Arrays.equals(start(leftover, expected.length), expected)) {
                ConfidentialFile.erase(leftover);
            }
        } catch (IOException e) {
            // the next opening tries again
        }
    }

    private static byte[] start(Path file, int bytes) throws IOException {
        try (InputStream in = Files.newInputStream(file)) {
            return in.readNBytes(bytes);
        }
    }

    /**
     * Returns whether nothing would be lost with a file that this library has not written. One that cannot be read is
     * taken for another's.
     *
     * @param magic what a file begins with; the least significant byte is the version of its format
     */
    static boolean isFree(Path file, long magic, ByteOrder order) {
        try {
            return isOurs(file, magic, order);
        } catch (IOException e) {
            return false;
        }
    }

    private static boolean isOurs(Path file, long magic, ByteOrder order) throws IOException {
        if (!Files.exists(file, LinkOption.NOFOLLOW_LINKS)) {
            return true;
        }
        if (!Files.isRegularFile(file)) { // a link to nothing, for example
            return false;
        }
        byte[] expected =
                ByteBuffer.allocate(Long.BYTES).order(order).putLong(magic).array();
        byte[] start = start(file, expected.length);
        int version = order == ByteOrder.BIG_ENDIAN ? Long.BYTES - 1 : 0; // the place of the least significant byte
        int others = 0;
        int zeros = 0;
        for (int i = 0; i < start.length; i++) {
            others += i != version && start[i] != expected[i] ? 1 : 0;
            zeros += start[i] == 0 ? 1 : 0;
        }
        return zeros == start.length || others <= (start.length == Long.BYTES ? 1 : 0); // one may be damaged
    }

    /**
     * Erases a file if it {@linkplain #isFree is free}.
     *
     * @throws IOException if it cannot be erased, or cannot be read, so that it may be one that has to be
     */
    static void erase(Path file, long magic, ByteOrder order) throws IOException {
        if (isOurs(file, magic, order)) {
            ConfidentialFile.erase(file);
        }
    }
}
