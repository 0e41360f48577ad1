package org.facerecognition.io;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.util.Objects;

/**
 * What changes when a file is written or replaced: who reads a file by places that were found earlier compares it.
 *
 * @param bytes the size; -1 for a file that cannot be read
 * @param written when the file was last written; only ever compared with the same file's
 * @param key identifies the file on its disk; empty where that is not known
 */
public record FileState(long bytes, FileTime written, String key) {
    private static final FileState UNREADABLE = new FileState(-1, FileTime.fromMillis(0), "");

    /** Returns the present state of a file. */
    public static FileState of(Path file) {
        try {
            BasicFileAttributes attributes = Files.readAttributes(file, BasicFileAttributes.class);
            String key = Objects.toString(attributes.fileKey(), "");
            return new FileState(attributes.size(), attributes.lastModifiedTime(), key);
        } catch (IOException e) {
            return UNREADABLE;
        }
    }
}
