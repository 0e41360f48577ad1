package org.facerecognition.examples;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import org.facerecognition.io.AtomicFile;
import org.facerecognition.train.Checkpoints;
import org.jspecify.annotations.Nullable;

/** Checks a file to be written before the work of which it is the result. */
final class OutputFile {
    private OutputFile() {}

    /**
     * Checks that no folder has the file's name, that no training is resumed from it, and that its folder, or the one
     * in which that would be created, can be written.
     *
     * @param out null if nothing is to be written
     * @throws IllegalArgumentException when a folder has the name, or it is a file of a training
     * @throws UncheckedIOException when the folder cannot be written
     */
    static void requireWritable(String option, @Nullable Path out) {
        if (out == null) {
            return;
        }
        if (Files.isDirectory(out)) {
            throw new IllegalArgumentException(
                    option + " must be a file, but was the folder " + out + "; give a file in it");
        }
        Checkpoints.requireNotResumedFrom(out);
        Path absolute = out.toAbsolutePath();
        if (out.endsWith(FormerOptions.FILE)
                && Checkpoints.resumableIn(Objects.requireNonNull(absolute.getParent())) != null) {
            throw new IllegalArgumentException(option + " must not be the options of a training, which could not be"
                    + " resumed any more, but was " + out + "; give another file");
        }
        if (Files.exists(out) && !Files.isRegularFile(out)) { // a device or a pipe
            return;
        }
        try {
            @Nullable Path folder = AtomicFile.real(out).getParent();
            if (folder != null) {
                requireWritable(folder);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(AtomicFile.cannotWrite(out, e), e);
        }
    }

    /** Throws an exception if files cannot be created in a folder, or it cannot be created. */
    static void requireWritable(Path folder) throws IOException {
        @Nullable Path existing = folder.toAbsolutePath();
        while (existing != null && !Files.exists(existing)) {
            existing = existing.getParent();
        }
        if (existing != null && !Files.isDirectory(existing)) {
            throw new FileAlreadyExistsException(existing.toString());
        }
        if (existing != null && !Files.isWritable(existing)) {
            throw new AccessDeniedException(existing.toString());
        }
    }
}
