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
 * Writes and erases files with personal data: only their owner may read them, and their content is overwritten when
 * they are erased or replaced.
 *
 * <p>Permissions are 0600 for files and 0700 for folders where the file system has POSIX permissions; elsewhere the
 * folder's access rules apply. Content is overwritten in place, with zeros that the disk has confirmed. That reaches
 * the old content on file systems that write in place. It does not reach copies elsewhere: blocks that a copy-on-write
 * file system or a solid-state disk has set aside, snapshots, backups, other hard links and swap space.
 */
public final class ConfidentialFile {
    static final Set<PosixFilePermission> OWNER_ONLY =
            Set.of(PosixFilePermission.OWNER_READ, PosixFilePermission.OWNER_WRITE);
    private static final int BUFFER_BYTES = 1 << 16;

    private ConfidentialFile() {}

    /** Thrown if a file was replaced, but the content of the old file is still on the disk, under a temporary name. */
    public static final class NotErasedException extends IOException {
        private static final long serialVersionUID = 1L;

        NotErasedException(String reason, IOException cause) {
            super(reason, cause);
        }
    }

    // ---- writing ----

    /**
     * Creates an empty file that only its owner can open.
     *
     * @throws java.nio.file.FileAlreadyExistsException if there is one
     */
    public static void create(Path file) throws IOException {
        Files.createFile(file, fileAttributes(file));
    }

    /** Writes bytes like {@link AtomicFile#write(Path, byte[])}. The content of a replaced file is not overwritten. */
    public static void write(Path file, byte[] bytes) throws IOException {
        write(file, out -> out.write(bytes));
    }

    /**
     * Writes a stream like {@link AtomicFile#writeStream}. If that fails, what was written is overwritten. The content
     * of a replaced file is not overwritten.
     */
    public static void write(Path file, AtomicFile.StreamWriter writer) throws IOException {
        AtomicFile.writeStream(file, writer, true, temporary -> true);
    }

    /**
     * Writes a stream like {@link #write(Path, AtomicFile.StreamWriter)}, then overwrites the content of the replaced
     * file. A process that is killed between the two leaves the old file under a temporary name;
     * {@link AtomicFile#cleanBeside} overwrites and deletes it. The content of an old file that has other hard links,
     * or that is in a file system without hard links, is not overwritten.
     *
     * @throws NotErasedException if the new file is in place, but the old content could not be overwritten
     * @throws IOException if the new file could not be written; the old one is unchanged in this case
     */
    public static void replace(Path file, AtomicFile.StreamWriter writer) throws IOException {
        replace(file, writer, () -> {});
    }

    /** What is done between two others. */
    public interface Step {
        void run() throws IOException;
    }

    /**
     * Replaces a file like {@link #replace(Path, AtomicFile.StreamWriter)}.
     *
     * @param beforeErasing is run when the new file is in place and before the old content is overwritten, so that
     *     those who still read it can be asked to leave; if it throws, the old content is not overwritten
     * @throws NotErasedException if the new file is in place, but the old content was not overwritten
     */
    public static void replace(Path file, AtomicFile.StreamWriter writer, Step beforeErasing) throws IOException {
        Path target = AtomicFile.real(file);
        SecondName old = new SecondName(target);
        try { // the second name is made late: a process that is killed while it writes leaves none
            AtomicFile.writeStream(target, writer, true, temporary -> {
                temporary.sync(); // now, since that may take long
                old.make();
                return true;
            });
        } catch (IOException | RuntimeException | Error e) {
            old.delete();
            throw e;
        }
        try {
            beforeErasing.run();
            if (old.name != null) {
                AtomicFile.confirmFolderOf(target);
                erase(old.name);
            }
        } catch (IOException e) {
            throw new NotErasedException(AtomicFile.reason(e), e);
        } finally {
            old.forget();
        }
    }

    /** The second name of a file that is about to be replaced. */
    private static final class SecondName {
        private final Path target;
        private @Nullable Path name; // null if there is none

        SecondName(Path target) {
            this.target = target;
        }

        void make() throws IOException {
            delete(); // of a former attempt
            name = Files.isRegularFile(target) ? TemporaryFile.secondName(target) : null;
        }

        void delete() throws IOException {
            if (name != null) {
                Files.deleteIfExists(name);
                forget();
                name = null;
            }
        }

        void forget() {
            if (name != null) {
                TemporaryFile.forgetSecondName(name);
            }
        }
    }

    /**
     * Deletes other names of a file in its folder that are names of temporary files: those of a writer that was killed
     * while it replaced the file, under whatever name that was. The content stays.
     *
     * @return the number of hard links that are left; 1 if it is unknown
     */
    public static int deleteSecondNames(Path file) throws IOException {
        if (hardLinks(file) > 1) {
            TemporaryFile.deleteSecondNames(file);
        }
        return hardLinks(file);
    }

    // ---- erasing ----

    /**
     * Overwrites and deletes a file. The disk has confirmed the overwriting, and was asked to confirm the deletion,
     * when this method returns. A symbolic link, and a file that has other hard links, is only deleted.
     *
     * @return whether the file existed
     */
    public static boolean erase(Path file) throws IOException {
        if (!Files.exists(file, LinkOption.NOFOLLOW_LINKS)) {
            return false;
        }
        overwrite(file);
        boolean existed = Files.deleteIfExists(file);
        AtomicFile.syncFolderOf(file);
        return existed;
    }

    /** Overwrites a file with zeros, unless it has other hard links or is not a regular file. */
    static void overwrite(Path file) throws IOException {
        if (!Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS) || hardLinks(file) > 1) {
            return;
        }
        try (RandomAccessFile open = new RandomAccessFile(file.toFile(), "rw")) {
            overwrite(open, 0);
            open.getFD().sync();
        }
    }

    /**
     * Overwrites an open file with zeros from an offset to its end. Blocks that are zero already are not written,
     * because they may be holes of a sparse file.
     */
    public static void overwrite(RandomAccessFile open, long from) throws IOException {
        byte[] bytes = new byte[BUFFER_BYTES];
        byte[] zeros = new byte[BUFFER_BYTES];
        for (long offset = from; ; ) {
            open.seek(offset);
            int count = open.read(bytes);
            if (count <= 0) {
                return;
            }
            if (!Arrays.equals(bytes, 0, count, zeros, 0, count)) {
                open.seek(offset);
                open.write(zeros, 0, count);
            }
            offset += count;
        }
    }

    /** Returns the number of hard links of a file; 1 if it is unknown. */
    public static int hardLinks(Path file) throws IOException {
        try {
            return (int) Files.getAttribute(file, "unix:nlink", LinkOption.NOFOLLOW_LINKS);
        } catch (UnsupportedOperationException | IllegalArgumentException e) {
            return 1;
        }
    }

    // ---- permissions ----

    /**
     * Revokes the permissions of everybody but the owner. This has no effect if the file system has no POSIX
     * permissions or the file belongs to another user.
     */
    public static void restrict(Path path) {
        try {
            @Nullable PosixFileAttributeView view = Files.getFileAttributeView(path, PosixFileAttributeView.class);
            if (view == null) {
                return;
            }
            Set<PosixFilePermission> old = view.readAttributes().permissions();
            Set<PosixFilePermission> owners = EnumSet.noneOf(PosixFilePermission.class);
            old.stream()
                    .filter(permission -> permission.name().startsWith("OWNER"))
                    .forEach(owners::add);
            if (!owners.equals(old)) {
                view.setPermissions(owners);
            }
        } catch (IOException e) {
            // the file belongs to another user, or the file system reports permissions but does not store them
        }
    }

    /** Creates a folder and its missing parent folders, accessible only to their owner. */
    public static void createFolders(Path folder) throws IOException {
        AtomicFile.createFolders(folder, true);
    }

    /** Returns whether only the owner may access a file; false if the file system has no POSIX permissions. */
    static boolean isConfidential(Path file) {
        try {
            Set<PosixFilePermission> permissions = Files.getPosixFilePermissions(file, LinkOption.NOFOLLOW_LINKS);
            return permissions.stream().allMatch(permission -> permission.name().startsWith("OWNER"));
        } catch (IOException | UnsupportedOperationException e) {
            return false;
        }
    }

    static FileAttribute<?>[] fileAttributes(Path file) throws IOException {
        return attributes(AtomicFile.folderOf(file), OWNER_ONLY);
    }

    /** @param existing a folder in the same file system */
    static FileAttribute<?>[] folderAttributes(Path existing) {
        return attributes(
                existing,
                Set.of(
                        PosixFilePermission.OWNER_READ,
                        PosixFilePermission.OWNER_WRITE,
                        PosixFilePermission.OWNER_EXECUTE));
    }

    private static FileAttribute<?>[] attributes(Path existing, Set<PosixFilePermission> permissions) {
        boolean posix = Files.getFileAttributeView(existing, PosixFileAttributeView.class) != null;
        return posix
                ? new FileAttribute<?>[] {PosixFilePermissions.asFileAttribute(permissions)}
                : new FileAttribute<?>[0];
    }
}
