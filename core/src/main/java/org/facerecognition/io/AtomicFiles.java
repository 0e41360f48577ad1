package org.facerecognition.io;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Files that belong together, which are written like those of {@link AtomicFile} but replace the old files only when
 * all of them are complete: {@link #write} each, then {@link #replaceAll}. Until then the disk needs room for the old
 * files and the new ones. Closing deletes new files that have not replaced anything. Not thread-safe.
 */
public final class AtomicFiles implements AutoCloseable {
    private final List<NewFile> files = new ArrayList<>();

    private record NewFile(TemporaryFile temporary, Path target) {}

    /** Creates an object without files. */
    public AtomicFiles() {}

    /**
     * Writes a new file as a stream, and has the disk confirm it; an old file is unchanged. Missing folders are
     * created.
     *
     * @throws IOException when it cannot be written, or the path leads to something else than a file
     */
    public void write(Path file, AtomicFile.StreamWriter writer) throws IOException {
        boolean interrupted = Thread.interrupted();
        try {
            if (Files.exists(file) && !Files.isRegularFile(file)) {
                throw new FileSystemException(file.toString(), null, "it is not a regular file");
            }
            Path target = AtomicFile.real(file);
            AtomicFile.createFolders(AtomicFile.folderOf(target));
            TemporaryFile.cleanBefore(target);
            TemporaryFile temporary = TemporaryFile.create(target, false);
            files.add(new NewFile(temporary, target));
            try (OutputStream out = temporary.stream()) {
                writer.write(out);
            }
            temporary.sync();
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /**
     * Moves each new file over the old one, in the order in which they were written.
     *
     * @throws IOException when one cannot be moved; the message says how many were moved before and stay
     */
    public void replaceAll() throws IOException {
        int moved = 0;
        for (NewFile file : files) {
            try {
                file.temporary.moveTo(file.target, false);
            } catch (IOException e) {
                throw new IOException(
                        file.target + " cannot be replaced: " + AtomicFile.reason(e) + "; "
                                + (moved == 0
                                        ? "existing files are unchanged"
                                        : moved + " of " + files.size() + " files are new already, the others are not"),
                        e);
            }
            moved++;
        }
        files.forEach(file -> AtomicFile.syncFolderOf(file.target));
    }

    @Override
    public void close() {
        files.forEach(file -> file.temporary.close());
        files.clear();
    }
}
