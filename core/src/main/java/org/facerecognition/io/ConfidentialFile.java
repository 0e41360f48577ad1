package org.facerecognition.io;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Files with personal data: only their owner may read them, and their content is overwritten when they are deleted or
 * replaced.
 *
 * <p>Permissions are 0600 for files and 0700 for folders where the file system has POSIX permissions; elsewhere the
 * folder's rules hold. Content is overwritten in place, with zeros that the disk has confirmed. That reaches the former
 * content on file systems that write in place. It does not reach copies elsewhere: blocks that a file system with
 * copy-on-write or a solid-state disk has set aside, snapshots, backups, other hard links and swap space.
 */
public final class ConfidentialFile {
    static final Set<PosixFilePermission> OWNER_ONLY =
            Set.of(PosixFilePermission.OWNER_READ, PosixFilePermission.OWNER_WRITE);
    private static final int BUFFER_BYTES = 1 << 16;

    private ConfidentialFile() {}

    /** A file was replaced, but the content of the former one is still on the disk, under a temporary name. */
    public static final class NotErasedException extends IOException {
        private static final long serialVersionUID = 1L;

        NotErasedException(String reason, IOException cause) {
            super(reason, cause);
        }
    }

    // ---- writing ----

    /** Writes bytes as {@link AtomicFile#write(Path, byte[])} does. The content of a former file is not overwritten. */
    public static void write(Path file, byte[] bytes) throws IOException {
        write(file, out -> out.write(bytes));
    }

    /**
     * Writes a stream as {@link AtomicFile#writeStream} does. When it fails, what was written is overwritten. The
     * content of a former file is not overwritten.
     */
    public static void write(Path file, AtomicFile.StreamWriter writer) throws IOException {
        AtomicFile.writeStream(file, writer, true);
    }

    /**
     * Writes a stream as {@link #write(Path, AtomicFile.StreamWriter)} does, then overwrites the content of the file
     * that was there. A process that is killed between the two leaves the former file under a temporary name; {@link
     * AtomicFile#cleanBeside} overwrites and deletes it. A former file that has other hard links, or is
     * in a file system without hard links, is left as it is.
     *
     * @throws NotErasedException when the new file is in place, but the former one could not be overwritten
     * @throws IOException when the new file could not be written; the former one is untouched
     */
    public static void replace(Path file, AtomicFile.StreamWriter writer) throws IOException {
        Path place = AtomicFile.real(file);
        @Nullable Path former = Files.isRegularFile(place) ? TemporaryFile.secondName(place) : null;
        try {
            write(place, writer);
        } catch (IOException | RuntimeException | Error e) {
            if (former != null) {
                Files.deleteIfExists(former);
                TemporaryFile.forgetSecondName(former);
            }
            throw e;
        }
        if (former != null) {
            try {
                AtomicFile.confirmFolder(place.getParent());
                erase(former);
            } catch (IOException e) {
                throw new NotErasedException(AtomicFile.reason(e), e);
            } finally {
                TemporaryFile.forgetSecondName(former);
            }
        }
    }

    // ---- erasing ----

    /**
     * Overwrites a file and deletes it; when this returns, the disk has confirmed both. A symbolic link and one of
     * several hard links are deleted only.
     *
     * @return whether it was there
     */
    public static boolean erase(Path file) throws IOException {
        if (!Files.exists(file, LinkOption.NOFOLLOW_LINKS)) {
            return false;
        }
        overwrite(file);
        boolean there = Files.deleteIfExists(file);
        AtomicFile.syncFolder(file.toAbsolutePath().getParent());
        return there;
    }

    /** Overwrites a regular file that has no other hard link. */
    static void overwrite(Path file) throws IOException {
        if (!Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS) || hardLinks(file) > 1) {
            return;
        }
        try (RandomAccessFile open = new RandomAccessFile(file.toFile(), "rw")) {
            overwrite(open, 0);
            open.getFD().sync();
        }
    }

    /** Overwrites with zeros from a place to the end; zeros that are there are left, as they may be a hole. */
    public static void overwrite(RandomAccessFile open, long from) throws IOException {
        byte[] bytes = new byte[BUFFER_BYTES];
        byte[] zeros = new byte[BUFFER_BYTES];
        for (long place = from; ; ) {
            open.seek(place);
            int count = open.read(bytes);
            if (count <= 0) {
                return;
            }
            if (!Arrays.equals(bytes, 0, count, zeros, 0, count)) {
                open.seek(place);
                open.write(zeros, 0, count);
            }
            place += count;
        }
    }

    /** How many names the file has in its file system; 1 where that is unknown. */
    public static int hardLinks(Path file) throws IOException {
        try {
            return (int) Files.getAttribute(file, "unix:nlink", LinkOption.NOFOLLOW_LINKS);
        } catch (UnsupportedOperationException | IllegalArgumentException e) {
            return 1;
        }
    }

    // ---- permissions ----

    /** Takes the permissions of everybody but the owner away, where there are any and the owner is this user. */
    public static void restrict(Path path) {
        try {
            @Nullable PosixFileAttributeView view = Files.getFileAttributeView(path, PosixFileAttributeView.class);
            if (view == null) {
                return;
            }
            Set<PosixFilePermission> former = view.readAttributes().permissions();
            Set<PosixFilePermission> owners = EnumSet.noneOf(PosixFilePermission.class);
            former.stream()
                    .filter(permission -> permission.name().startsWith("OWNER"))
                    .forEach(owners::add);
            if (!owners.equals(former)) {
                view.setPermissions(owners);
            }
        } catch (IOException e) {
            // it is somebody else's, or the file system shows permissions and keeps none
        }
    }

    /** Creates a folder and those above it where they are missing, for their owner alone. */
    public static void createFolders(Path folder) throws IOException {
        AtomicFile.createFolders(folder, true);
    }

    /** Whether only the owner may read a file, and the file system can tell. */
    static boolean isConfidential(Path file) {
        try {
            Set<PosixFilePermission> permissions = Files.getPosixFilePermissions(file, LinkOption.NOFOLLOW_LINKS);
            return permissions.stream().allMatch(permission -> permission.name().startsWith("OWNER"));
        } catch (IOException | UnsupportedOperationException e) {
            return false;
        }
    }

    static FileAttribute<?>[] fileAttributes(Path file) {
        return attributes(file.toAbsolutePath().getParent(), OWNER_ONLY);
    }

    /** @param there an existing folder of the file system */
    static FileAttribute<?>[] folderAttributes(Path there) {
        return attributes(
                there,
                Set.of(
                        PosixFilePermission.OWNER_READ,
                        PosixFilePermission.OWNER_WRITE,
                        PosixFilePermission.OWNER_EXECUTE));
    }

    private static FileAttribute<?>[] attributes(Path there, Set<PosixFilePermission> permissions) {
        boolean posix = Files.getFileAttributeView(there, PosixFileAttributeView.class) != null;
        return posix
                ? new FileAttribute<?>[] {PosixFilePermissions.asFileAttribute(permissions)}
                : new FileAttribute<?>[0];
    }
}
