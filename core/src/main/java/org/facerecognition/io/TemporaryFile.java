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
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** The file that holds the new content until it is moved to its place. Closing one that was not moved deletes it. */
/*
 * How the file of a dead writer is told from that of a live one: a live writer holds a lock on its temporary file,
 * which the operating system releases when the process ends in whatever way. Who can take that lock may delete the
 * file.
 *
 * - On Linux and macOS a process loses its lock on a file when it closes any descriptor of that file. The names of this
 * JVM's own temporary files are therefore kept, and such files are skipped without being opened. Names suffice, as they
 * are random.
 * - Between its creation and its lock a file looks like an orphan. The writer therefore checks, once it has the lock,
 * that its file is still there. Nobody else creates a file of that random name, so it is the same one.
 * - A cleaner that has opened a file just before it was moved locks and deletes by a name that no longer exists.
 * - Where the file system has no locks, taking one fails; then files are written without, and nothing is deleted.
 *
 * The lock is on one byte far behind the content, since Windows lets nobody else read or write what is locked.
 *
 * A RandomAccessFile and not a FileChannel, which an interrupt of the writing thread would close.
 */
final class TemporaryFile implements AutoCloseable {
    static final long LOCKED_BYTE = Long.MAX_VALUE - 1;
    static final boolean WINDOWS = File.separatorChar == '\\';

    private static final FileAttribute<?>[] NO_ATTRIBUTES = {};
    private static final Set<String> OF_THIS_JVM = ConcurrentHashMap.newKeySet();
    private static final SecureRandom RANDOM = new SecureRandom();
    private static final Pattern ENDING = Pattern.compile("\\.[0-9a-f]{16}\\.tmp");
    private static final int ENDING_LENGTH = 21;
    private static final int MAX_NAME_BYTES = 200; // of the 255 that file systems allow
    private static final int MAX_TRIES = 100;

    private static final Map<Path, Long> SLOW_TO_LIST = new ConcurrentHashMap<>(); // until System.nanoTime() is that
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
     * @param place of the file that is to be written, in a folder that is there
     * @param confidential whether nobody but the owner may read it, now or in its place
     */
    static TemporaryFile create(Path place, boolean confidential) throws IOException {
        for (int tries = 0; tries < MAX_TRIES; tries++) {
            String name = newName(place);
            OF_THIS_JVM.add(name);
            @Nullable TemporaryFile created = open(place.resolveSibling(name), place, confidential);
            if (created != null) {
                return created;
            }
        }
        throw new IOException("other programs keep removing the temporary file");
    }

    private static String newName(Path place) {
        return "." + stem(place.getFileName().toString()) + String.format(".%016x.tmp", RANDOM.nextLong());
    }

    /**
     * Gives a file that is about to be replaced a second name, by which its content can be overwritten afterwards, by
     * the next opening too when this process is killed meanwhile.
     *
     * @return null where the file system has no hard links
     */
    static @Nullable Path secondName(Path place) {
        Path second = place.resolveSibling(newName(place));
        OF_THIS_JVM.add(second.getFileName().toString());
        try {
            return Files.createLink(second, place);
        } catch (IOException | UnsupportedOperationException e) {
            OF_THIS_JVM.remove(second.getFileName().toString());
            return null;
        }
    }

    /** The second name is gone, or is for the next opening to do away with. */
    static void forgetSecondName(Path second) {
        OF_THIS_JVM.remove(second.getFileName().toString());
    }

    /** Null when a cleaner took it for an orphan before it was locked. */
    private static @Nullable TemporaryFile open(Path path, Path place, boolean confidential) throws IOException {
        @Nullable
        Set<PosixFilePermission> permissions = confidential ? ConfidentialFile.OWNER_ONLY : permissions(place);
        RandomAccessFile file;
        try { // RandomAccessFile would take one that is there
            Files.createFile(path, confidential ? ConfidentialFile.fileAttributes(path) : NO_ATTRIBUTES);
            file = new RandomAccessFile(path.toFile(), "rw");
        } catch (FileAlreadyExistsException e) {
            OF_THIS_JVM.remove(path.getFileName().toString());
            return null;
        } catch (IOException | RuntimeException e) {
            forget(path, false);
            throw e;
        }
        TemporaryFile opened = new TemporaryFile(path, file, permissions, confidential);
        if (opened.isStillThere()) {
            opened.hide();
            return opened;
        }
        opened.close();
        return null;
    }

    /** Who may not read the former file does not read the new one either while it is written. */
    private void hide() {
        if (permissions != null) {
            Set<PosixFilePermission> meanwhile =
                    EnumSet.of(PosixFilePermission.OWNER_READ, PosixFilePermission.OWNER_WRITE);
            meanwhile.addAll(permissions);
            setPermissions(path, meanwhile);
        }
    }

    private boolean isStillThere() {
        try {
            lock = file.getChannel().tryLock(LOCKED_BYTE, 1, false);
            return lock != null && Files.exists(path, LinkOption.NOFOLLOW_LINKS);
        } catch (IOException e) { // no locks in this file system
            return Files.exists(path, LinkOption.NOFOLLOW_LINKS);
        }
    }

    private static @Nullable Set<PosixFilePermission> permissions(Path place) {
        try {
            return Files.getPosixFilePermissions(place);
        } catch (IOException | UnsupportedOperationException e) {
            return null;
        }
    }

    private static void setPermissions(Path path, Set<PosixFilePermission> permissions) {
        try {
            Files.setPosixFilePermissions(path, permissions);
        } catch (IOException | UnsupportedOperationException e) {
            // a file system that shows permissions and keeps none, or has none
        }
    }

    /** A name of any length that the file system takes leaves room for the ending. */
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

    /** Closing it flushes it, and leaves the file open. */
    OutputStream stream() throws IOException {
        return new BufferedOutputStream(new FileOutputStream(file.getFD()), 1 << 16) {
            @Override
            public void close() throws IOException {
                flush();
            }
        };
    }

    /**
     * Takes the lock again after other code of this process has closed a descriptor of the file.
     *
     * @return whether the file is still there
     */
    boolean lockAgain() throws IOException {
        if (lock != null) {
            lock.release();
        }
        return isStillThere();
    }

    /**
     * Puts the file in its place.
     *
     * @param synced whether the disk confirms before that it has the file, and after that it has the folder
     */
    void moveTo(Path place, boolean synced) throws IOException {
        if (synced) {
            file.getFD().sync();
        }
        if (permissions != null) {
            setPermissions(path, permissions);
        }
        if (WINDOWS) {
            file.close(); // Windows moves no open file
        }
        Files.move(path, place, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        moved = true;
        if (synced) {
            AtomicFile.syncFolder(place.getParent());
        }
    }

    @Override
    public void close() {
        try {
            file.close();
        } catch (IOException e) {
            // what was written is confirmed already, or is thrown away
        }
        if (moved) {
            OF_THIS_JVM.remove(path.getFileName().toString());
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
            OF_THIS_JVM.remove(path.getFileName().toString());
        }
    }

    // ---- orphans ----

    /**
     * Cleans before a file is written, unless listing its folder takes so long that writing many files would suffer.
     */
    static void cleanBefore(Path place) {
        Path folder = place.getParent();
        long begin = System.nanoTime();
        @Nullable Long until = SLOW_TO_LIST.get(folder);
        if (until != null && begin - until < 0) {
            return;
        }
        clean(folder, place.getFileName().toString());
        long end = System.nanoTime();
        if (end - begin > SLOW_NANOS) {
            if (SLOW_TO_LIST.size() >= MAX_SLOW_FOLDERS) {
                SLOW_TO_LIST.values().removeIf(other -> end - other >= 0);
            }
            SLOW_TO_LIST.put(folder, end + PAUSE_NANOS);
        } else if (until != null) {
            SLOW_TO_LIST.remove(folder);
        }
    }

    /** @param target name of the file whose orphans to delete; null for all */
    static void clean(Path folder, @Nullable String target) {
        try (DirectoryStream<Path> orphans = Files.newDirectoryStream(
                folder, path -> isTemporary(path.getFileName().toString(), target))) {
            orphans.forEach(TemporaryFile::deleteOrphan);
        } catch (NotDirectoryException e) {
            // then nothing was left in it
        } catch (IOException | DirectoryIteratorException e) {
            // what cannot be listed is not cleaned
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
        if (OF_THIS_JVM.contains(path.getFileName().toString())
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
            // no lock, no deletion; or another thread is deleting it
        }
    }
}
