package org.facerecognition.io;

import java.io.File;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.OutputStream;
import java.io.SyncFailedException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.FileSystemLoopException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Writes a file beside its place and moves it there: at every moment the place holds the former file or the new one,
 * whole. When a method returns, the disk has confirmed the file and its folder. When it throws, the former file is
 * untouched and nothing of the new one is left.
 *
 * <p>Any number of threads and processes may write to one path at the same time: each result is whole, and the last one
 * stays. Missing folders are created. A symbolic link stays, and the file that it points at is replaced. A new file
 * gets the process's default permissions, a replaced one keeps its own. Devices and pipes are written to directly.
 */
/*
 * The temporary file is ".NAME.<16 random hexadecimal digits>.tmp" in the same folder, since only a move within one
 * file system is atomic. What killed processes have left is removed by the next writer of the same name, see
 * TemporaryFile.
 *
 * An interrupt closes a FileChannel for good. An interrupt that is pending when a method is called is therefore set
 * aside and restored at the end. One that comes while a file is written does not disturb a stream, but it ends the
 * writing through a channel.
 */
public final class AtomicFile {
    private static final int MAX_LINKS = 40; // as Linux
    private static final int MAX_TRIES = 10;
    private static final Pattern WITH_REASON = Pattern.compile(".* \\(([^()]+)\\)", Pattern.DOTALL);

    private AtomicFile() {}

    /** Writes the content of a file through a channel. */
    @FunctionalInterface
    public interface Writer {
        /** @param channel of the new file, at its beginning; must not be closed */
        void write(FileChannel channel) throws IOException;
    }

    /** Writes the content of a file as a stream. */
    @FunctionalInterface
    public interface StreamWriter {
        /** @param out buffered; may be closed */
        void write(OutputStream out) throws IOException;
    }

    /** Writes the content of a file that it opens itself. */
    @FunctionalInterface
    public interface PathWriter {
        /**
         * @param temporary the file to write into, which is there already, and must be closed at the end but not
         * replaced
         */
        void write(Path temporary) throws IOException;
    }

    /** Fills a temporary file; false when it has been lost meanwhile. */
    private interface Filling {
        boolean fill(TemporaryFile file) throws IOException;
    }

    // ---- writing ----

    /** Writes bytes. */
    public static void write(Path file, byte[] bytes) throws IOException {
        writeStream(file, out -> out.write(bytes));
    }

    /**
     * Writes bytes without waiting for the disk: other programs see the former file or the new one, whole, but a power
     * failure may lose it. For many small files that can be made again; waiting costs some milliseconds for each.
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

    /** Writes through a channel. */
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

    /** Writes a stream. */
    public static void writeStream(Path file, StreamWriter writer) throws IOException {
        writeStream(file, writer, false);
    }

    static void writeStream(Path file, StreamWriter writer, boolean confidential) throws IOException {
        PathWriter direct = special -> {
            try (OutputStream out = Files.newOutputStream(special)) {
                writer.write(out);
            }
        };
        Filling filling = temporary -> {
            try (OutputStream out = temporary.stream()) {
                writer.write(out);
            }
            return true;
        };
        write(file, direct, filling, true, confidential);
    }

    /**
     * Lets a writer that needs a path write the temporary file, for example a native library.
     *
     * @param writer in rare cases called a second time, with another temporary file
     */
    public static void writePath(Path file, PathWriter writer) throws IOException {
        write(file, writer, temporary -> {
            writer.write(temporary.path());
            return temporary.lockAgain(); // the lock went when the writer closed the file
        });
    }

    private static void write(Path file, PathWriter direct, Filling filling) throws IOException {
        write(file, direct, filling, true, false);
    }

    private static void write(Path file, PathWriter direct, Filling filling, boolean synced, boolean confidential)
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
            Path place = real(file);
            createFolders(place.getParent(), confidential);
            TemporaryFile.cleanBefore(place);
            for (int tries = 0; tries < MAX_TRIES; tries++) {
                try (TemporaryFile temporary = TemporaryFile.create(place, confidential)) {
                    if (filling.fill(temporary)) {
                        temporary.moveTo(place, synced);
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
     * Moves a finished file to its place in the same folder: the disk confirms the file, then it replaces a former one,
     * then the disk confirms the folder.
     *
     * @param finished closed by whoever wrote it
     */
    public static void move(Path finished, Path file) throws IOException {
        boolean interrupted = Thread.interrupted();
        try {
            try (FileChannel channel = FileChannel.open(finished, StandardOpenOption.WRITE)) {
                channel.force(true);
            }
            Files.move(finished, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
            syncFolder(file.toAbsolutePath().getParent());
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    // ---- what killed processes have left ----

    /**
     * Removes temporary files that dead writers have left in a folder; those that only their owner may read are
     * overwritten before. Those of live writers stay.
     */
    public static void clean(Path folder) {
        TemporaryFile.clean(folder, null);
    }

    /**
     * Removes temporary files that dead writers of one file have left beside it; those that only their owner may read
     * are overwritten before. Those of live writers stay.
     */
    public static void cleanBeside(Path file) {
        try {
            Path place = real(file);
            if (place.getParent() != null) {
                TemporaryFile.clean(place.getParent(), place.getFileName().toString());
            }
        } catch (IOException e) {
            // whoever wants to use the file learns why that is impossible
        }
    }

    // ---- folders and links ----

    /** Where a file lies or would be created: absolute, with all links followed. */
    public static Path real(Path file) throws IOException {
        Path at = file.toAbsolutePath();
        try {
            return at.toRealPath();
        } catch (IOException e) {
            // what is to be created is resolved by hand
        }
        for (int links = 0; Files.isSymbolicLink(at); links++) {
            if (links == MAX_LINKS) {
                throw new FileSystemLoopException(file.toString());
            }
            at = at.resolveSibling(Files.readSymbolicLink(at));
        }
        @Nullable Path there = at.getParent();
        while (there != null && !Files.exists(there)) {
            there = there.getParent();
        }
        return there == null
                ? at
                : there.toRealPath().resolve(there.relativize(at)).normalize();
    }

    /** Creates a folder and those above it where they are missing. */
    public static void createFolders(Path folder) throws IOException {
        createFolders(folder, false);
    }

    static void createFolders(Path folder, boolean confidential) throws IOException {
        if (Files.isDirectory(folder)) { // Files.createDirectories of Java 17 refuses links to folders
            return;
        }
        Path absolute = folder.toAbsolutePath();
        Path there = absolute;
        while (!Files.exists(there) && there.getParent() != null) {
            there = there.getParent();
        }
        if (confidential) {
            Files.createDirectories(absolute, ConfidentialFile.folderAttributes(there));
        } else {
            Files.createDirectories(absolute);
        }
        for (Path made = absolute; !made.equals(there) && made.getParent() != null; made = made.getParent()) {
            syncFolder(made.getParent());
        }
    }

    /** A moved file stays in its place after a power failure only when the folder is on the disk too. */
    public static void syncFolder(Path folder) {
        try {
            confirmFolder(folder);
        } catch (IOException e) {
            // the file is in its place; a power failure may bring the former one back
        }
    }

    /** As {@link #syncFolder}, for what must not go on before the disk has confirmed it. */
    static void confirmFolder(Path folder) throws IOException {
        if (File.separatorChar == '\\') {
            return; // Windows opens no folders and needs no such thing
        }
        boolean interrupted = Thread.interrupted(); // a channel closes itself for an interrupted thread
        try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
            channel.force(true);
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    // ---- words ----

    /** The sentence for a file that could not be written: which file, why, and what to do. */
    public static String cannotWrite(Path file, IOException e) {
        return "cannot write " + file + ": " + reason(e)
                + "; a former file of that name is untouched, free some space or choose another folder";
    }

    /** Why a file operation failed, in a few words for people, without the name of a temporary file. */
    public static String reason(IOException e) {
        if (e instanceof AccessDeniedException) {
            return "permission denied";
        } else if (e instanceof NoSuchFileException) {
            return "the folder or file is missing";
        } else if (e instanceof FileAlreadyExistsException exists) {
            return exists.getFile() + " is not a folder";
        } else if (e instanceof FileSystemLoopException) {
            return "its symbolic links lead in a circle";
        } else if (e instanceof FileSystemException failed) {
            return failed.getReason() == null ? "the file system refuses it" : failed.getReason();
        } else if (e instanceof ClosedByInterruptException) {
            return "the thread was interrupted";
        } else if (e instanceof SyncFailedException) {
            return "the disk does not confirm it";
        } else if (e instanceof FileNotFoundException) { // "PATH (REASON)"
            Matcher reason = WITH_REASON.matcher(String.valueOf(e.getMessage()));
            return reason.matches() ? reason.group(1) : "the folder or file is missing";
        }
        return e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
    }
}
