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
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A lock file that admits one writer at a time, among all threads and processes. The lock is held until it is closed or
 * the process ends for any reason. The lock file says who holds the lock, and is deleted when the lock is closed.
 *
 * <p>A lock that is never closed is held until the process ends, even if nothing refers to it any more.
 */
/*
 * Within the process: a map from the real path of each lock file to its held lock keeps the file open. Without the map,
 * a garbage collection could close the file of an unreachable lock and thereby release the lock. In addition, opening a
 * locked file a second time and closing it would release the lock on Linux. The map is therefore consulted before a
 * file is opened, both by path and by identity (device and inode, which hard links and second mounts of a folder
 * share).
 *
 * Between class loaders, each of which has its own map: the JVM has one table of the locks of all class loaders. A file
 * that turns out to be locked by another class loader is kept open, because closing it would release that lock on
 * Linux.
 *
 * Between processes: the operating system locks one byte far behind the text, because Windows does not let other
 * processes read a locked region. Earlier versions locked the whole file; the two kinds of locks exclude each other.
 *
 * A file that is not a lock file, such as poetry.lock beside a gallery "poetry", is left as it is, and the lock is
 * refused.
 *
 * Deletion: the holder deletes the file and then releases the lock. A process that opened the file before its deletion
 * then gets a lock on a file that is no longer at the path, while a third process may lock a new file there. Therefore,
 * a process that takes the lock compares the locked file with the file at the path, by a random length and by identity,
 * and starts again if they differ. The identity distinguishes the file from those of other holders in this process. It
 * is read before the file is opened, so it may be that of a file that was deleted in between, and may then belong to a
 * third file. Windows reports no identity; there the lock file is not deleted.
 *
 * If the file system does not support locks (Lustre without flock, NFS without its lock service), the existence of the
 * file is the lock, because a file is created atomically everywhere. One that a killed holder left is taken over only
 * if its text names a process of this computer that no longer runs; otherwise a person has to delete it.
 *
 * The file is a RandomAccessFile and not a FileChannel, because an interrupt of the opening thread would close a
 * channel.
 */
public final class WriterLock implements AutoCloseable {
    private static final Map<Path, WriterLock> HELD = new HashMap<>(); // also guards all state of the class
    private static final Map<Object, RandomAccessFile> NEVER_CLOSED = new HashMap<>(); // by identity; locked by others
    private static final Object MISSING = new Object();
    private static final Object WITHOUT_IDENTITY = new Object();
    private static final int MAX_TRIES = 100;
    private static final int MAX_TEXT_BYTES = 1_000;
    private static final int WAIT_MILLIS = 50;
    private static final int SILENT_TRIES = 10; // after them, waiting is explained
    private static final int MAX_UNKNOWN_TRIES = 12_000; // ten minutes: a download on another host may take some
    private static final String TEXT_START = "process "; // of every lock file
    private static final Pattern PROCESS = Pattern.compile(TEXT_START + "(\\d{1,18})( on host .*)?, .*");

    /** Locks an open file for this process. Tests substitute a file system without locks. */
    interface Locking {
        /**
         * Returns whether the file is locked now.
         *
         * @throws IOException if the file system does not support locks
         */
        boolean lock(RandomAccessFile open) throws IOException;
    }

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
     * @param lockFile exists while the lock is held; missing folders are created
     * @param holder describes the writer in a few words for others who are refused, for example {@code a training}
     * @throws LockedException if another writer holds the lock
     * @throws IOException if the lock file cannot be created
     */
    public static WriterLock of(Path lockFile, String holder) throws IOException {
        return of(lockFile, holder, false, WriterLock::lock);
    }

    /**
     * Takes the lock like {@link #of}, for confidential files: the lock file and created folders are accessible only to
     * their owner where the file system has POSIX permissions.
     *
     * @param lockFile exists while the lock is held; missing folders are created
     * @param holder describes the writer in a few words
     * @throws LockedException if another writer holds the lock
     * @throws IOException if the lock file cannot be created
     */
    public static WriterLock ofConfidential(Path lockFile, String holder) throws IOException {
        return of(lockFile, holder, true, WriterLock::lock);
    }

    static WriterLock of(Path lockFile, String holder, boolean confidential, Locking locking) throws IOException {
        Path file = AtomicFile.real(lockFile);
        AtomicFile.createFolders(AtomicFile.folderOf(file), confidential);
        String text = TEXT_START + ProcessHandle.current().pid() + host() + ", " + holder + " since "
                + Instant.now().truncatedTo(ChronoUnit.SECONDS);
        synchronized (HELD) {
            for (int tries = 0; ; tries++) {
                @Nullable WriterLock lock = attempt(file, text, tries < MAX_TRIES, confidential, locking);
                if (lock != null) {
                    HELD.put(file, lock);
                    return lock;
                }
            }
        }
    }

    /**
     * Takes the lock, and waits while another writer holds it; logs, once, who holds it if that takes a moment.
     *
     * @param lockFile exists while the lock is held; missing folders are created
     * @param holder describes the writer in a few words
     * @throws LockedException if the file system has no locks, and after ten minutes it is not known whether the
     *     holder still runs
     * @throws InterruptedIOException if the thread is interrupted while it waits
     * @throws IOException if the lock file cannot be created
     */
    public static WriterLock await(Path lockFile, String holder) throws IOException {
        return await(lockFile, holder, WriterLock::lock, MAX_UNKNOWN_TRIES);
    }

    static WriterLock await(Path lockFile, String holder, Locking locking, int unknownTries) throws IOException {
        for (int tries = 0; ; tries++) {
            try {
                return of(lockFile, holder, false, locking);
            } catch (LockedException e) {
                if (tries >= unknownTries && e.mayBeLeftBehind()) { // a person has to look, and to delete the file
                    throw e;
                }
                if (tries == SILENT_TRIES) {
                    System.getLogger(WriterLock.class.getName())
                            .log(System.Logger.Level.INFO, "waiting: {0}", e.getMessage());
                }
                try {
                    Thread.sleep(WAIT_MILLIS);
                } catch (InterruptedException interrupt) {
                    Thread.currentThread().interrupt();
                    throw new InterruptedIOException("the thread was interrupted while " + e.getMessage());
                }
            }
        }
    }

    /** Tries to take the lock; returns null if the file has been deleted or replaced. */
    private static @Nullable WriterLock attempt(
            Path file, String text, boolean withIdentity, boolean confidential, Locking locking) throws IOException {
        @Nullable WriterLock here = HELD.get(file);
        if (here != null) {
            throw new LockedException(file, true, here.text);
        }
        boolean created = create(file, confidential);
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
            boolean supported = true;
            try {
                if (!locking.lock(open)) {
                    throw new LockedException(file, false, holder(open));
                }
            } catch (LockedException e) {
                throw e;
            } catch (IOException e) {
                supported = false;
            }
            requireLockFile(file, open);
            if (!supported && !created) {
                requireLeftBehind(file, open);
            }
            if (confidential) {
                ConfidentialFile.restrict(file); // one that was left by a killed holder
            }
            if (identity == MISSING || withIdentity && !(isAt(file, open) && identity.equals(identity(file)))) {
                return null;
            }
            WriterLock lock = new WriterLock(file, open, identity, text);
            lock.writeText();
            open = null;
            return lock;
        } catch (OverlappingFileLockException e) { // another class loader of this process has locked the file
            if (!withIdentity || identity != WITHOUT_IDENTITY) { // else on Windows
                NEVER_CLOSED.put(
                        identity == WITHOUT_IDENTITY ? open : identity, open); // closing would release that lock
                open = null;
            }
            throw new LockedException(file, true, null);
        } finally {
            if (open != null) {
                open.close();
            }
        }
    }

    /** Returns whether the file did not exist before. */
    private static boolean create(Path file, boolean confidential) throws IOException {
        try {
            if (confidential) {
                ConfidentialFile.create(file);
            } else {
                Files.createFile(file);
            }
            return true;
        } catch (FileAlreadyExistsException e) {
            return false; // it belongs to another holder, or was left by a killed one
        }
    }

    /** Throws an exception if a file that is about to be overwritten, and later deleted, is not a lock file. */
    private static void requireLockFile(Path file, RandomAccessFile open) throws IOException {
        byte[] start = new byte[TEXT_START.length()];
        open.seek(0);
        int length = Math.max(open.read(start), 0);
        String text = new String(start, 0, length, StandardCharsets.US_ASCII);
        boolean zeros = text.chars().allMatch(character -> character == 0); // its holder died before it wrote the text
        if (!zeros && !TEXT_START.startsWith(text)) { // the text may be incomplete if the disk was full
            throw new IOException(file + " exists, but is no lock file; move it to another place");
        }
    }

    /** Throws an exception unless the process that a lock file names is one of this computer that no longer runs. */
    private static void requireLeftBehind(Path file, RandomAccessFile open) throws IOException {
        open.seek(0);
        @Nullable String holder = holder(open);
        Matcher process = PROCESS.matcher(holder == null ? "" : holder);
        if (process.matches() && isOfThisHost(process)) {
            long pid = Long.parseLong(process.group(1));
            if (pid == ProcessHandle.current().pid() // of an earlier start of this container
                    || ProcessHandle.of(pid).isEmpty()) {
                return;
            }
        }
        throw new LockedException(
                file,
                false,
                (holder == null ? "an unknown process" : holder) + "; this file system has no locks: if that process"
                        + " has ended, delete " + file,
                !(process.matches() && isOfThisHost(process)));
    }

    private static boolean isOfThisHost(Matcher process) {
        return host().equals(process.group(2) == null ? "" : process.group(2));
    }

    private static boolean lock(RandomAccessFile open) throws IOException {
        @Nullable FileLock lock = open.getChannel().tryLock(TemporaryFile.LOCKED_BYTE, 1, false);
        return lock != null;
    }

    /**
     * Returns whether a locked file is the file at a path. The identity alone cannot tell, because the inode number of
     * a deleted file is reused for new files. The locked file therefore gets a random length, which is compared with
     * the length of the file at the path.
     */
    static boolean isAt(Path file, RandomAccessFile open) throws IOException {
        long length = MAX_TEXT_BYTES + ThreadLocalRandom.current().nextInt(1 << 20);
        try {
            open.setLength(length); // sparse
        } catch (IOException e) {
            return true; // the disk is full, so the identity must suffice
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
            // the lock is valid without its text, for example if the disk is full
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

    /** Returns the name of this computer without network access. */
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

    /** Releases the lock and deletes its file. Closing twice has no effect. */
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
                // the next holder reuses the file
            } finally {
                release();
            }
        }
    }

    private void release() {
        try {
            open.close();
        } catch (IOException e) {
            // the lock is released nevertheless
        } finally {
            HELD.remove(file);
        }
    }
}
