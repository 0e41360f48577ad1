package org.facerecognition.export;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/** Writes a file beside its place and moves it there, so that there is the former one or the new one, whole. */
final class WholeFile {
    private WholeFile() {}

    interface Writer {
        void write(Path beside) throws IOException;
    }

    static void write(Path file, Writer writer) {
        Path beside = file.resolveSibling(
                file.getFileName() + ".tmp" + ProcessHandle.current().pid());
        try {
            Files.createDirectories(file.toAbsolutePath().getParent());
            writer.write(beside);
            Files.move(beside, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            deleteQuietly(beside, e);
            throw new ExportException(
                    "cannot write " + file + ": " + e.getMessage()
                            + "; a former file of that name is untouched, free some space or choose another folder",
                    e);
        } catch (RuntimeException e) {
            deleteQuietly(beside, e);
            throw e;
        }
    }

    private static void deleteQuietly(Path file, Exception because) {
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            because.addSuppressed(e);
        }
    }
}
