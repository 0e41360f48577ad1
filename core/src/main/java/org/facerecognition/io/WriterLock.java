package org.facerecognition.io;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.RandomAccessFile;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;

/**
 * Lets one writer at a time into a place. The process holds the lock until it is closed, and loses it when it ends in
 * whatever way. The lock file says who holds it, and is deleted when the lock is closed.
 *
 * <p>A lock whose owner forgot it stays held until the process ends.
 */
/*
 * Within the process: held locks are kept in a map by the real path of their file, with what keeps the file open.
 * Without the map a garbage collection could close a forgotten file and so release its lock; and on Linux a second
 * opening of a locked file, when closed, would release it too. That is why the map is asked before a file is opened, by
 * path and by identity (device and inode, which a hard link or a second mount of the folder share).
 *
 * Between class loaders, each with a map of its own: the JVM keeps one table of the locks of all. A file that another
 * class loader has locked is not closed again, which would release that lock on Linux.
 *
 * Between processes: a lock of the operating system on one byte far behind the text, which Windows would otherwise let
 * nobody read. Earlier versions locked the whole file; the two refuse each other.
 *
 * Deletion: the holder deletes the file, then releases it. Whoever had opened the file before gets a lock on a file
 * that is no longer at the path, while a third may lock a new file there. Therefore the holder compares what it locked
 * with the file at the path, and begins again when that is another one. The identity is what other holders in this
 * process are told apart by; it may be taken from a file that is deleted before this one is opened, and then belong to
 * a third. Windows tells no identity; there the file stays.
 *
 * Where the file system has no locks, writers of one process still exclude each other.
 *
 * A RandomAccessFile and not a FileChannel, which an interrupt of the opening thread would close.
 */
public final class WriterLock implements AutoCloseable {
    private static final Map<Path, WriterLock> HELD = new HashMap<>(); // also the monitor of everything here
    private static final Map<Object, RandomAccessFile> NEVER_CLOSED = new HashMap<>(); // by identity
    private static final Object MISSING = new Object();
    private static final Object WITHOUT_IDENTITY = new Object();
    private static final int MAX_TRIES = 100;
    private static final int MAX_TEXT_BYTES = 1_000;
    private static final int WAIT_MILLIS = 50;

    private final Path file;
    private final RandomAccessFile open;
    private final Object identity;
    private final String text;

    private WriterLock(Path file, RandomAccessFile open, Object identity, String text) {
        this.file = file;
        this.open = open;
        this.identity = identity;
        this.text = text;
    }

    /**
     * Takes the lock.
     *
     * @param lockFile created for the time that the lock is held; folders that are missing are created too
     * @param holder what the writer is, in a word or two that others read when they are refused: {@code a training}
     * @throws LockedException when another writer holds it
     * @throws IOException when the lock file cannot be created
     */
    public static WriterLock of(Path lockFile, String holder) throws IOException {
        return of(lockFile, holder, false);
    }

    /**
     * Takes the lock as {@link #of} does, for a place that only its owner may look into: the lock file and folders that
     * are created are the owner's alone where the file system has permissions.
     *
     * @param lockFile created for the time that the lock is held; folders that are missing are created too
     * @param holder what the writer is, in a word or two
     * @throws LockedException when another writer holds it
     * @throws IOException when the lock file cannot be created
     */
    public static WriterLock ofConfidential(Path lockFile, String holder) throws IOException {
        return of(lockFile, holder, true);
    }

    private static WriterLock of(Path lockFile, String holder, boolean confidential) throws IOException {
        Path file = AtomicFile.real(lockFile);
        AtomicFile.createFolders(file.getParent(), confidential);
        String text = "process " + ProcessHandle.current().pid() + host() + ", " + holder + " since "
                + Instant.now().truncatedTo(ChronoUnit.SECONDS);
        synchronized (HELD) {
            for (int tries = 0; ; tries++) {
                @Nullable WriterLock lock = attempt(file, text, tries < MAX_TRIES, confidential);
                if (lock != null) {
                    HELD.put(file, lock);
                    return lock;
                }
            }
        }
    }

    /**
     * Takes the lock, and waits as long as another writer holds it.
     *
     * @param lockFile created for the time that the lock is held; folders that are missing are created too
     * @param holder what the writer is, in a word or two
     * @throws InterruptedIOException when the thread is interrupted while it waits
     * @throws IOException when the lock file cannot be created
     */
    public static WriterLock await(Path lockFile, String holder) throws IOException {
        while (true) {
            try {
                return of(lockFile, holder);
            } catch (LockedException e) {
                try {
                    Thread.sleep(WAIT_MILLIS);
                } catch (InterruptedException interrupt) {
                    Thread.currentThread().interrupt();
                    throw new InterruptedIOException("the thread was interrupted while " + e.getMessage());
                }
            }
        }
    }

    /** Null when the file was replaced meanwhile. */
    private static @Nullable WriterLock attempt(Path file, String text, boolean withIdentity, boolean confidential)
            throws IOException {
        @Nullable WriterLock here = HELD.get(file);
        if (here != null) {
            throw new LockedException(file, true, here.text);
        }
        create(file, confidential);
        Object identity = withIdentity ? identity(file) : WITHOUT_IDENTITY;
        for (WriterLock held : HELD.values()) {
            if (held.identity != WITHOUT_IDENTITY && held.identity.equals(identity)) {
                throw new LockedException(file, true, held.text);
            }
        }
        @Nullable RandomAccessFile open = NEVER_CLOSED.remove(identity);
        if (open == null) {
            open = new RandomAccessFile(file.toFile(), "rw");
        }
        try {
            if (!lock(open)) {
                throw new LockedException(file, false, holder(open));
            }
            if (identity == MISSING || withIdentity && !(isAt(file, open) && identity.equals(identity(file)))) {
                return null;
            }
            WriterLock lock = new WriterLock(file, open, identity, text);
            lock.writeText();
            open = null;
            return lock;
        } catch (OverlappingFileLockException e) { // a file that this process has locked elsewhere
            NEVER_CLOSED.put(identity == WITHOUT_IDENTITY ? open : identity, open); // which would release that lock
            open = null;
            throw new LockedException(file, true, null);
        } finally {
            if (open != null) {
                open.close();
            }
        }
    }

    private static void create(Path file, boolean confidential) throws IOException {
        try {
            if (confidential) {
                Files.createFile(file, ConfidentialFile.fileAttributes(file));
            } else {
                Files.createFile(file);
            }
        } catch (FileAlreadyExistsException e) { // of another holder, or left by one that was killed
            if (confidential) {
                ConfidentialFile.restrict(file);
            }
        }
    }

    private static boolean lock(RandomAccessFile open) {
        try {
            @Nullable FileLock lock = open.getChannel().tryLock(TemporaryFile.LOCKED_BYTE, 1, false);
            return lock != null;
        } catch (IOException e) { // no locks in this file system
            return true;
        }
    }

    /**
     * Whether a locked file is the one that has this name. Its identity alone cannot tell: the number of a file that was
     * deleted before it could be opened goes to a new one. So it gets a length that nobody can guess.
     */
    static boolean isAt(Path file, RandomAccessFile open) throws IOException {
        long length = MAX_TEXT_BYTES + ThreadLocalRandom.current().nextInt(1 << 20);
        try {
            open.setLength(length); // a hole
        } catch (IOException e) {
            return true; // the disk is full, and its identity must do
        }
        try {
            return Files.size(file) == length;
        } catch (NoSuchFileException e) {
            return false;
        }
    }

    private static Object identity(Path file) throws IOException {
        try {
            @Nullable
            Object key = Files.readAttributes(file, BasicFileAttributes.class).fileKey();
            return key == null ? WITHOUT_IDENTITY : key;
        } catch (NoSuchFileException e) {
            return MISSING;
        }
    }

    private void writeText() {
        try {
            open.setLength(0);
            open.write((text + "\n").getBytes(StandardCharsets.UTF_8));
        } catch (IOException e) {
            // the lock holds without it, for example when the disk is full
        }
    }

    private static @Nullable String holder(RandomAccessFile open) {
        try {
            byte[] bytes = new byte[MAX_TEXT_BYTES];
            int length = open.read(bytes);
            String text = length <= 0 ? "" : new String(bytes, 0, length, StandardCharsets.UTF_8);
            return text.isBlank() ? null : text.lines().findFirst().orElse("").strip();
        } catch (IOException e) {
            return null;
        }
    }

    /** Without asking the network. */
    private static String host() {
        String name = "";
        try {
            name = Files.readString(Path.of("/proc/sys/kernel/hostname")).strip();
        } catch (IOException e) {
            for (String variable : new String[] {"HOSTNAME", "COMPUTERNAME"}) {
                name = name.isEmpty() && System.getenv(variable) != null ? System.getenv(variable) : name;
            }
        }
        return name.isEmpty() ? "" : " on host " + name;
    }

    /** Releases the lock and deletes its file. A second time does nothing. */
    @Override
    public void close() {
        synchronized (HELD) {
            if (HELD.get(file) != this) {
                return;
            }
            try {
                if (identity != WITHOUT_IDENTITY && identity.equals(identity(file))) {
                    Files.deleteIfExists(file);
                }
            } catch (IOException e) {
                // a lock file that stays is taken by the next holder
            } finally {
                release();
            }
        }
    }

    private void release() {
        try {
            open.close();
        } catch (IOException e) {
            // the lock is gone all the same
        } finally {
            HELD.remove(file);
        }
    }
}
