package org.facerecognition.io;

import java.io.BufferedOutputStream;
import java.io.File;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.RandomAccessFile;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.security.SecureRandom;
import java.util.EnumSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A temporary file, which holds the new content of a target until it is moved there. Closing a file that was not moved
 * deletes it. The class also finds and deletes orphans, the temporary files of dead writers.
 */
/*
 * A live writer holds a lock on its temporary file, which the operating system releases when the process ends for any
 * reason. That distinguishes live writers from dead ones: a cleaner that can take the lock may delete the file.
 *
 * - On Linux and macOS, a process loses its lock on a file when it closes any descriptor of that file. The JVM
 * therefore records the names of its own temporary files, and a cleaner skips these files without opening them. Names
 * suffice, because they are random.
 * - Between its creation and its locking, a file looks like an orphan. Once the writer has the lock, it therefore
 * checks that its file still exists. No other writer creates a file of that random name, so an existing file is the
 * same one.
 * - A cleaner that opened a file just before it was moved locks it and then deletes by a name that no longer exists.
 * - If the file system does not support locks, locking fails; files are then written without a lock, and orphans are
 * not deleted.
 *
 * The locked byte is far behind the content, because Windows does not let other processes read or write a locked
 * region.
 *
 * The file is a RandomAccessFile and not a FileChannel, because an interrupt of the writing thread would close a
 * channel.
 */
final class TemporaryFile implements AutoCloseable {
    static final long LOCKED_BYTE = Long.MAX_VALUE - 1;
    static final boolean WINDOWS = File.separatorChar == '\\';

    private static final FileAttribute<?>[] NO_ATTRIBUTES = {};
    private static final Set<String> OWN_NAMES = ConcurrentHashMap.newKeySet();
    private static final SecureRandom RANDOM = new SecureRandom();
    private static final Pattern ENDING = Pattern.compile("\\.[0-9a-f]{16}\\.tmp");
    private static final int ENDING_LENGTH = 21;
    private static final int MAX_NAME_BYTES = 200; // file systems allow 255
    private static final int MAX_TRIES = 100;

    /** Folders that take long to list, and the value of System.nanoTime() before which they are not listed again. */
    private static final Map<Path, Long> SLOW_TO_LIST = new ConcurrentHashMap<>();

    private static final long SLOW_NANOS = TimeUnit.MILLISECONDS.toNanos(5);
    private static final long PAUSE_NANOS = TimeUnit.MINUTES.toNanos(1);
    private static final int MAX_SLOW_FOLDERS = 1_000;

    private final Path path;
    private final RandomAccessFile file;
    private final @Nullable Set<PosixFilePermission> permissions;
    private final boolean confidential;
    private @Nullable FileLock lock;
    private boolean moved;

    private TemporaryFile(
            Path path, RandomAccessFile file, @Nullable Set<PosixFilePermission> permissions, boolean confidential) {
        this.path = path;
        this.file = file;
        this.permissions = permissions;
        this.confidential = confidential;
    }

    /**
     * Creates and locks a temporary file.
     *
     * @param target of the later move, in an existing folder
     * @param confidential whether only the owner may read the file, both before and after it is moved
     */
    static TemporaryFile create(Path target, boolean confidential) throws IOException {
        for (int tries = 0; tries < MAX_TRIES; tries++) {
            String name = newName(target);
            OWN_NAMES.add(name);
            @Nullable TemporaryFile created = open(target.resolveSibling(name), target, confidential);
            if (created != null) {
                return created;
            }
        }
        throw new IOException("other programs keep removing the temporary file");
    }

    /** Deletes this process's temporary files for a target, although they are being written. */
    static void deleteOwn(Path target) {
        String stem = "." + stem(target.getFileName().toString());
        for (String name : OWN_NAMES) {
            if (name.startsWith(stem)
                    && ENDING.matcher(name.substring(stem.length())).matches()) {
                try {
                    Files.deleteIfExists(target.resolveSibling(name));
                } catch (IOException e) {
                    // left to the next writer of the target, as after a crash
                }
            }
        }
    }

    private static String newName(Path target) {
        return "." + stem(target.getFileName().toString()) + String.format(".%016x.tmp", RANDOM.nextLong());
    }

    /**
     * Gives a file that is about to be replaced a second name, which allows overwriting its content afterwards. It is
     * the name of a temporary file, so that a later cleaner overwrites the content if this process is killed before
     * that.
     *
     * @return null if the file system has no hard links
     */
    static @Nullable Path secondName(Path target) {
        Path second = target.resolveSibling(newName(target));
        OWN_NAMES.add(second.getFileName().toString());
        try {
            return Files.createLink(second, target);
        } catch (IOException | UnsupportedOperationException e) {
            OWN_NAMES.remove(second.getFileName().toString());
            return null;
        }
    }

    /** Forgets a second name that is deleted, or that is left to a later cleaner. */
    static void forgetSecondName(Path second) {
        OWN_NAMES.remove(second.getFileName().toString());
    }

    /** Returns null if the name exists already, or a cleaner took the file for an orphan before it was locked. */
    private static @Nullable TemporaryFile open(Path path, Path target, boolean confidential) throws IOException {
        @Nullable
        Set<PosixFilePermission> permissions = confidential ? ConfidentialFile.OWNER_ONLY : permissions(target);
        RandomAccessFile file;
        try { // RandomAccessFile would open an existing file
            Files.createFile(path, confidential ? ConfidentialFile.fileAttributes(path) : NO_ATTRIBUTES);
            file = new RandomAccessFile(path.toFile(), "rw");
        } catch (FileAlreadyExistsException e) {
            OWN_NAMES.remove(path.getFileName().toString());
            return null;
        } catch (IOException | RuntimeException e) {
            forget(path, false);
            throw e;
        }
        TemporaryFile opened = new TemporaryFile(path, file, permissions, confidential);
        if (opened.lockAndCheckExists()) {
            opened.restrictReaders();
            return opened;
        }
        opened.close();
        return null;
    }

    /** Ensures that users who cannot read the old file cannot read the new one while it is written either. */
    private void restrictReaders() {
        if (permissions != null) {
            Set<PosixFilePermission> whileWriting =
                    EnumSet.of(PosixFilePermission.OWNER_READ, PosixFilePermission.OWNER_WRITE);
            whileWriting.addAll(permissions);
            setPermissions(path, whileWriting);
        }
    }

    private boolean lockAndCheckExists() {
        try {
            lock = file.getChannel().tryLock(LOCKED_BYTE, 1, false);
            return lock != null && Files.exists(path, LinkOption.NOFOLLOW_LINKS);
        } catch (IOException e) { // the file system does not support locks
            return Files.exists(path, LinkOption.NOFOLLOW_LINKS);
        }
    }

    private static @Nullable Set<PosixFilePermission> permissions(Path file) {
        try {
            return Files.getPosixFilePermissions(file);
        } catch (IOException | UnsupportedOperationException e) {
            return null;
        }
    }

    private static void setPermissions(Path path, Set<PosixFilePermission> permissions) {
        try {
            Files.setPosixFilePermissions(path, permissions);
        } catch (IOException | UnsupportedOperationException e) {
            // the file system has no permissions, or reports them but does not store them
        }
    }

    /** Returns a name, or a hash of a name that is too long, so that the ending can be appended. */
    private static String stem(String name) {
        return name.getBytes(StandardCharsets.UTF_8).length <= MAX_NAME_BYTES
                ? name
                : String.format("~%08x", name.hashCode());
    }

    // ---- writing ----

    Path path() {
        return path;
    }

    FileChannel channel() {
        return file.getChannel();
    }

    /** Returns a buffered stream to the file. Closing the stream flushes it but does not close the file. */
    OutputStream stream() throws IOException {
        return new BufferedOutputStream(new FileOutputStream(file.getFD()), 1 << 16) {
            @Override
            public void close() throws IOException {
                flush();
            }
        };
    }

    /**
     * Takes the lock again after other code in this process has closed a descriptor of the file.
     *
     * @return whether the file still exists
     */
    boolean lockAgain() throws IOException {
        if (lock != null) {
            lock.release();
        }
        return lockAndCheckExists();
    }

    /** Has the disk confirm what was written. */
    void sync() throws IOException {
        file.getFD().sync();
    }

    /**
     * Moves the file atomically to its target.
     *
     * @param synced whether the disk must confirm the file before the move and its folder after it
     */
    void moveTo(Path target, boolean synced) throws IOException {
        if (synced) {
            sync();
        }
        if (permissions != null) {
            setPermissions(path, permissions);
        }
        if (WINDOWS) {
            file.close(); // Windows cannot move an open file
        }
        Files.move(path, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        moved = true;
        if (synced) {
            AtomicFile.syncFolderOf(target);
        }
    }

    @Override
    public void close() {
        try {
            file.close();
        } catch (IOException e) {
            // the content is either confirmed already or discarded
        }
        if (moved) {
            OWN_NAMES.remove(path.getFileName().toString());
        } else {
            forget(path, confidential);
        }
    }

    private static void forget(Path path, boolean confidential) {
        try {
            if (confidential) {
                ConfidentialFile.overwrite(path);
            }
            Files.deleteIfExists(path);
        } catch (IOException e) {
            // the next writer of this name removes it
        } finally {
            OWN_NAMES.remove(path.getFileName().toString());
        }
    }

    // ---- orphans ----

    /**
     * Deletes the orphans of a target before it is written. A folder that takes long to list is listed at most once a
     * minute, so that writing many files to it stays fast.
     */
    static void cleanBefore(Path target) throws IOException {
        cleanBefore(target, System::nanoTime);
    }

    static void cleanBefore(Path target, LongSupplier nanoTime) throws IOException {
        Path folder = AtomicFile.folderOf(target);
        long begin = nanoTime.getAsLong();
        @Nullable Long until = SLOW_TO_LIST.get(folder);
        if (until != null && begin - until < 0) {
            return;
        }
        clean(folder, target.getFileName().toString());
        long end = nanoTime.getAsLong();
        if (end - begin > SLOW_NANOS) {
            if (SLOW_TO_LIST.size() >= MAX_SLOW_FOLDERS) {
                SLOW_TO_LIST.values().removeIf(other -> end - other >= 0);
            }
            SLOW_TO_LIST.put(folder, end + PAUSE_NANOS);
        } else if (until != null) {
            SLOW_TO_LIST.remove(folder);
        }
    }

    /**
     * Deletes orphans in a folder. Confidential ones are overwritten first.
     *
     * @param target name of the file whose orphans to delete; null for all
     */
    static void clean(Path folder, @Nullable String target) {
        try (DirectoryStream<Path> orphans = Files.newDirectoryStream(
                folder, path -> isTemporary(path.getFileName().toString(), target))) {
            orphans.forEach(TemporaryFile::deleteOrphan);
        } catch (NotDirectoryException e) {
            // then it contains no orphans
        } catch (IOException | DirectoryIteratorException e) {
            // a folder that cannot be listed is not cleaned
        }
    }

    /** Deletes the other names of a file that no process of this machine is about to use. */
    static void deleteSecondNames(Path file) throws IOException {
        try (DirectoryStream<Path> others = Files.newDirectoryStream(
                AtomicFile.folderOf(file),
                path -> isTemporary(path.getFileName().toString(), null))) {
            for (Path other : others) {
                if (!OWN_NAMES.contains(other.getFileName().toString()) && Files.isSameFile(other, file)) {
                    Files.deleteIfExists(other);
                }
            }
        } catch (DirectoryIteratorException e) {
            throw e.getCause();
        }
    }

    private static boolean isTemporary(String name, @Nullable String target) {
        int end = name.length() - ENDING_LENGTH;
        return end > 1
                && name.charAt(0) == '.'
                && ENDING.matcher(name).region(end, name.length()).matches()
                && (target == null || name.substring(1, end).equals(stem(target)));
    }

    private static void deleteOrphan(Path path) {
        if (OWN_NAMES.contains(path.getFileName().toString())
                || !Files.isRegularFile(path, LinkOption.NOFOLLOW_LINKS)) {
            return;
        }
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.WRITE, LinkOption.NOFOLLOW_LINKS)) {
            if (channel.tryLock(LOCKED_BYTE, 1, false) != null) {
                if (ConfidentialFile.isConfidential(path)) {
                    ConfidentialFile.overwrite(path);
                }
                Files.deleteIfExists(path);
            }
        } catch (IOException | OverlappingFileLockException e) {
            // the file cannot be locked, or another thread is deleting it
        }
    }
}
