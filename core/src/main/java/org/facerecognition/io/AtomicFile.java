package org.facerecognition.io;

import java.io.File;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.OutputStream;
import java.io.SyncFailedException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.FileChannel;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.FileSystemLoopException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Writes files atomically: a temporary file is written in the same folder and moved to its target, so that at every
 * moment the target is either the complete old file or the complete new file. When a method returns, the disk has
 * confirmed the file, and was asked to confirm its folder. When a method throws, the old file is unchanged and nothing
 * of the new file is left.
 *
 * <p>Any number of threads and processes may write to one path at the same time: every result is complete, and the last
 * one remains. Missing folders are created. A symbolic link is kept, and the file that it points to is replaced. A new
 * file gets the process's default permissions; a replaced file keeps its permissions. Devices and pipes are written to
 * directly, or, by a writer that needs a path, by way of a private temporary file.
 */
/*
 * The temporary file is named ".NAME.<16 random hexadecimal digits>.tmp" and lies in the same folder, because only a
 * move within one file system is atomic. Files left by killed processes are removed by the next writer of the same
 * name; see TemporaryFile.
 *
 * An interrupt closes a FileChannel for good. An interrupt that is pending when a method is called is therefore
 * deferred and restored at the end. An interrupt while a file is written does not affect a stream, but it aborts
 * writing through a channel.
 */
public final class AtomicFile {
    private static final int MAX_LINKS = 40; // the same limit as Linux
    private static final int MAX_TRIES = 10;
    private static final Pattern WITH_REASON = Pattern.compile(".* \\(([^()]+)\\)", Pattern.DOTALL);

    private AtomicFile() {}

    /** A callback that writes the content of a file through a channel. */
    @FunctionalInterface
    public interface Writer {
        /** @param channel of the new file, positioned at its beginning; borrowed */
        void write(FileChannel channel) throws IOException;
    }

    /** A callback that writes the content of a file to a stream. */
    @FunctionalInterface
    public interface StreamWriter {
        /** @param out buffered; may be closed */
        void write(OutputStream out) throws IOException;
    }

    /** A callback that writes the content of a file that it opens itself. */
    @FunctionalInterface
    public interface PathWriter {
        /**
         * @param temporary an existing file to write to, which must be closed afterwards and must not be replaced
         */
        void write(Path temporary) throws IOException;
    }

    /** Writes the content of a temporary file; returns false if another process has removed the file. */
    interface ContentWriter {
        boolean write(TemporaryFile file) throws IOException;
    }

    // ---- writing ----

    /**
     * Deletes the unfinished new files of a file that this process is writing, for a shutdown hook: the process ends in
     * the middle of it, and they may be as large as the file.
     */
    public static void deleteUnfinished(Path file) {
        try {
            TemporaryFile.deleteOwn(real(file));
        } catch (IOException e) {
            // there is no way to the file
        }
    }

    /** Writes bytes. */
    public static void write(Path file, byte[] bytes) throws IOException {
        writeStream(file, out -> out.write(bytes));
    }

    /**
     * Writes bytes without waiting for the disk: other programs see either the complete old file or the complete new
     * file, but a power failure may lose it. This is meant for many small files that can be recreated; waiting costs
     * a few milliseconds per file.
     */
    public static void writeUnsynced(Path file, byte[] bytes) throws IOException {
        write(
                file,
                special -> Files.write(special, bytes),
                temporary -> {
                    try (OutputStream out = temporary.stream()) {
                        out.write(bytes);
                    }
                    return true;
                },
                false,
                false);
    }

    /** Writes text as UTF-8. */
    public static void write(Path file, String text) throws IOException {
        write(file, text.getBytes(StandardCharsets.UTF_8));
    }

    /** Writes a file through a channel. */
    public static void write(Path file, Writer writer) throws IOException {
        PathWriter direct = special -> {
            try (FileChannel channel = FileChannel.open(special, StandardOpenOption.WRITE)) {
                writer.write(channel);
            }
        };
        write(file, direct, temporary -> {
            writer.write(temporary.channel());
            return true;
        });
    }

    /** Writes a file as a stream. */
    public static void writeStream(Path file, StreamWriter writer) throws IOException {
        writeStream(file, writer, false, temporary -> true);
    }

    /** @param beforeMoving is run when the new file is complete; returns false if the file must be written again */
    static void writeStream(Path file, StreamWriter writer, boolean confidential, ContentWriter beforeMoving)
            throws IOException {
        PathWriter direct = special -> {
            try (OutputStream out = Files.newOutputStream(special)) {
                writer.write(out);
            }
        };
        ContentWriter content = temporary -> {
            try (OutputStream out = temporary.stream()) {
                writer.write(out);
            }
            return beforeMoving.write(temporary);
        };
        write(file, direct, content, true, confidential);
    }

    /**
     * Writes a file with a writer that needs a path, for example a native library.
     *
     * @param writer called again with another temporary file in the rare case that another process has removed the
     *     first one
     */
    public static void writePath(Path file, PathWriter writer) throws IOException {
        PathWriter direct = special -> { // native code may seek in its file, or end the process when it cannot write
            Path content = Files.createTempFile("content", null);
            try {
                try {
                    writer.write(content);
                } catch (IOException e) {
                    throw new IOException("its temporary file " + content + " cannot be written: " + reason(e), e);
                }
                try (OutputStream out = Files.newOutputStream(special)) {
                    Files.copy(content, out);
                }
            } finally {
                Files.deleteIfExists(content);
            }
        };
        write(file, direct, temporary -> {
            writer.write(temporary.path());
            return temporary.lockAgain(); // the lock was lost when the writer closed the file
        });
    }

    private static void write(Path file, PathWriter direct, ContentWriter content) throws IOException {
        write(file, direct, content, true, false);
    }

    private static void write(Path file, PathWriter direct, ContentWriter content, boolean synced, boolean confidential)
            throws IOException {
        boolean interrupted = Thread.interrupted();
        try {
            if (Files.exists(file) && !Files.isRegularFile(file)) {
                if (Files.isDirectory(file)) {
                    throw new FileSystemException(file.toString(), null, "it is a folder");
                }
                direct.write(file);
                return;
            }
            Path target = real(file);
            createFolders(folderOf(target), confidential);
            TemporaryFile.cleanBefore(target);
            for (int tries = 0; tries < MAX_TRIES; tries++) {
                try (TemporaryFile temporary = TemporaryFile.create(target, confidential)) {
                    if (content.write(temporary)) {
                        temporary.moveTo(target, synced);
                        return;
                    }
                }
            }
            throw new IOException("other programs keep removing the temporary file");
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /**
     * Moves a finished file to its target in the same folder: the disk confirms the file, the file atomically replaces
     * an existing target, and the disk confirms the folder.
     *
     * @param finished must be closed
     */
    public static void move(Path finished, Path file) throws IOException {
        boolean interrupted = Thread.interrupted();
        try {
            try (FileChannel channel = FileChannel.open(finished, StandardOpenOption.WRITE)) {
                channel.force(true);
            }
            Files.move(finished, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
            syncFolderOf(file);
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    // ---- files left by killed processes ----

    /**
     * Removes the temporary files in a folder whose writers are dead. Files that only their owner may read are
     * overwritten first. Files of live writers are kept.
     */
    public static void clean(Path folder) {
        TemporaryFile.clean(folder, null);
    }

    /**
     * Removes the temporary files of one target whose writers are dead. Files that only their owner may read are
     * overwritten first. Files of live writers are kept.
     */
    public static void cleanBeside(Path file) {
        try {
            Path target = real(file);
            if (target.getParent() != null) {
                TemporaryFile.clean(target.getParent(), target.getFileName().toString());
            }
        } catch (IOException e) {
            // the caller will get the same error when it uses the file
        }
    }

    // ---- folders and links ----

    /** Returns the absolute path at which a file exists or would be created, with all symbolic links followed. */
    public static Path real(Path file) throws IOException {
        Path at = file.toAbsolutePath();
        try {
            return at.toRealPath();
        } catch (IOException e) {
            // it does not exist yet, so the links are resolved one by one
        }
        for (int links = 0; Files.isSymbolicLink(at); links++) {
            if (links == MAX_LINKS) {
                throw new FileSystemLoopException(file.toString());
            }
            at = at.resolveSibling(Files.readSymbolicLink(at));
        }
        @Nullable Path existing = at.getParent();
        while (existing != null && !Files.exists(existing)) {
            existing = existing.getParent();
        }
        return existing == null
                ? at
                : existing.toRealPath().resolve(existing.relativize(at)).normalize();
    }

    /**
     * Returns the folder that a file is in.
     *
     * @throws IOException if the path is the root of a file system
     */
    static Path folderOf(Path file) throws IOException {
        @Nullable Path folder = file.toAbsolutePath().getParent();
        if (folder == null) {
            throw new IOException(file + " must be a file in a folder");
        }
        return folder;
    }

    /** Creates a folder and its missing parent folders. */
    public static void createFolders(Path folder) throws IOException {
        createFolders(folder, false);
    }

    static void createFolders(Path folder, boolean confidential) throws IOException {
        FileNames.requireOnDisk(folder);
        if (Files.isDirectory(folder)) { // Files.createDirectories of Java 17 rejects links to folders
            return;
        }
        Path absolute = folder.toAbsolutePath();
        Path existing = absolute;
        while (!Files.exists(existing) && existing.getParent() != null) {
            existing = existing.getParent();
        }
        if (confidential) {
            Files.createDirectories(absolute, ConfidentialFile.folderAttributes(existing));
        } else {
            Files.createDirectories(absolute);
        }
        for (Path made = absolute; !made.equals(existing) && made.getParent() != null; made = made.getParent()) {
            syncFolderOf(made);
        }
    }

    /**
     * Asks the disk to confirm the entries of a file's folder. Only then does a moved or deleted file stay moved or
     * deleted after a power failure. Errors are ignored.
     */
    public static void syncFolderOf(Path file) {
        try {
            confirmFolderOf(file);
        } catch (IOException e) {
            // the change is made, but a power failure may undo it
        }
    }

    /** Confirms a folder like {@link #syncFolderOf}, for callers that must not continue before the disk has done so. */
    static void confirmFolderOf(Path file) throws IOException {
        if (File.separatorChar == '\\') {
            return; // Windows cannot open folders, and does not need this
        }
        boolean interrupted = Thread.interrupted(); // an interrupted thread cannot use a channel
        try (FileChannel channel = FileChannel.open(folderOf(file), StandardOpenOption.READ)) {
            channel.force(true);
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    // ---- messages ----

    /** Returns the message for a file that could not be written: which file, why, and what to do. */
    public static String cannotWrite(Path file, IOException e) {
        return "cannot write " + file + ": " + reason(e)
                + (e instanceof LockedException // which says what to do
                        ? ""
                        : "; an existing file of that name is unchanged; free some space or choose another folder");
    }

    /** Returns why a file operation failed, in a few words for people and without the name of a temporary file. */
    public static String reason(IOException e) {
        if (e instanceof AccessDeniedException) {
            return "permission denied";
        } else if (e instanceof NoSuchFileException) {
            return "the folder or file is missing";
        } else if (e instanceof FileAlreadyExistsException exists) {
            return exists.getFile() + " is not a folder";
        } else if (e instanceof NotDirectoryException) {
            return "it is not a folder";
        } else if (e instanceof DirectoryNotEmptyException) {
            return "the folder is not empty";
        } else if (e instanceof FileSystemLoopException) {
            return "its symbolic links form a loop";
        } else if (e instanceof FileSystemException failed) {
            return failed.getReason() == null ? "the file system rejected the operation" : failed.getReason();
        } else if (e instanceof ClosedByInterruptException) {
            return "the thread was interrupted";
        } else if (e instanceof SyncFailedException) {
            return "the disk did not confirm the write";
        } else if (e instanceof FileNotFoundException) { // "PATH (REASON)"
            Matcher reason = WITH_REASON.matcher(String.valueOf(e.getMessage()));
            String words = reason.matches() ? reason.group(1) : "the folder or file is missing";
            return words.equals("Permission denied") ? "permission denied" : words;
        } else if (e instanceof CharacterCodingException) {
            return "it is not text in UTF-8";
        }
        return e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
    }
}
