package org.facerecognition.io;

import java.io.IOException;
import java.nio.file.FileSystemLoopException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import org.jspecify.annotations.Nullable;

/** Whether a file exists, for those who make a new one where there is none. */
public final class Existence {
    private Existence() {}

    /**
     * Returns whether a file exists. {@link Files#exists} also says no where that cannot be told.
     *
     * @throws IOException if it cannot be told: the folder may not be read, the disk or the network fails, or the file
     *     is a symbolic link into a folder that is missing, as it is where a disk is not mounted
     */
    public static boolean of(Path file) throws IOException {
        try {
            Files.readAttributes(file, BasicFileAttributes.class);
            return true;
        } catch (NoSuchFileException e) {
            requireFolderOfTarget(file);
            return false;
        } catch (IOException e) {
            if (liesInAFile(file)) { // whoever creates it is told so
                return false;
            }
            throw e;
        }
    }

    /**
     * Returns whether a file cannot be looked at because it is gone, or is a symbolic link that leads nowhere or in a
     * circle; false where it may well be there, but the folder may not be searched, or the disk or the network fails.
     *
     * @param failure what looking at it led to
     */
    public static boolean isDeadLink(Path file, IOException failure) {
        if (failure instanceof NoSuchFileException) {
            return true;
        }
        try {
            AtomicFile.real(file); // which names loops: that the file system reports has no class of its own
            return false;
        } catch (IOException e) {
            return e instanceof FileSystemLoopException;
        }
    }

    private static void requireFolderOfTarget(Path file) throws IOException {
        if (!Files.isSymbolicLink(file)) {
            return;
        }
        Path folder = AtomicFile.folderOf(AtomicFile.real(file));
        if (!Files.isDirectory(folder)) {
            throw new IOException("it is a link into " + folder
                    + ", which is missing; mount the disk that has it, create the folder, or remove the link");
        }
    }

    private static boolean liesInAFile(Path file) {
        @Nullable Path folder = file.toAbsolutePath().getParent();
        while (folder != null && !Files.isRegularFile(folder)) {
            folder = folder.getParent();
        }
        return folder != null;
    }
}
