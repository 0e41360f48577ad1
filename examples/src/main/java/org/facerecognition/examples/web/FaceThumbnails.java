package org.facerecognition.examples.web;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongPredicate;
import java.util.stream.Stream;
import org.facerecognition.io.AtomicFile;
import org.facerecognition.io.ConfidentialFile;

/**
 * Stores one small JPEG of a face per gallery entry: in the folder {@code NAME.faces} beside the gallery's file, or in
 * memory for a gallery in memory. On disk, only the owner can read the thumbnails.
 *
 * <p>When an entry is removed, its thumbnail is overwritten and deleted. If another program removed the entry, this
 * happens the next time the folder is opened. Entries that another program enrolled have no thumbnail.
 */
public abstract sealed class FaceThumbnails {
    /** Returns an empty store that is lost when the program ends. */
    public static FaceThumbnails inMemory() {
        return new InMemory();
    }

    /**
     * Opens the thumbnails beside a gallery's file, and erases those of entries that the gallery does not have.
     *
     * @param gallery the gallery's file
     * @param entries whether the gallery has an entry with an id
     */
    public static FaceThumbnails beside(Path gallery, LongPredicate entries) throws IOException {
        Path folder = folder(AtomicFile.real(gallery));
        Path formerFolder = folder(gallery.toAbsolutePath()); // earlier versions did not follow links to the gallery
        InFolder thumbnails = new InFolder(folder, entries);
        if (Files.isDirectory(formerFolder) && !Files.isSameFile(formerFolder, folder)) {
            thumbnails.moveFrom(formerFolder);
        }
        return thumbnails;
    }

    /**
     * Erases the thumbnails of entries that a gallery no longer has, if there are any beside its file.
     *
     * @param gallery the gallery's file
     * @param entries whether the gallery has an entry with an id
     */
    public static void eraseOthers(Path gallery, LongPredicate entries) throws IOException {
        if (Files.isDirectory(folder(AtomicFile.real(gallery)))
                || Files.isDirectory(folder(gallery.toAbsolutePath()))) {
            beside(gallery, entries);
        }
    }

    private static Path folder(Path gallery) {
        return gallery.resolveSibling(gallery.getFileName() + ".faces");
    }

    /** Stores the thumbnail of an entry. */
    abstract void put(long entry, byte[] jpeg) throws IOException;

    /** Returns the thumbnail of an entry as a JPEG, or empty if it has none. */
    abstract Optional<byte[]> get(long entry) throws IOException;

    /** Erases the thumbnail of an entry, if it has one. */
    abstract void remove(long entry) throws IOException;

    private static final class InMemory extends FaceThumbnails {
        private final Map<Long, byte[]> jpegs = new ConcurrentHashMap<>();

        @Override
        void put(long entry, byte[] jpeg) {
            jpegs.put(entry, jpeg);
        }

        @Override
        Optional<byte[]> get(long entry) {
            return Optional.ofNullable(jpegs.get(entry));
        }

        @Override
        void remove(long entry) {
            jpegs.remove(entry);
        }
    }

    private static final class InFolder extends FaceThumbnails {
        private static final String EXTENSION = ".jpg";

        private final Path folder;
        private final LongPredicate entries; // whether the gallery has one
        private final Map<Long, Path> files = new ConcurrentHashMap<>(); // no other file is ever opened

        InFolder(Path folder, LongPredicate entries) throws IOException {
            this.folder = folder;
            this.entries = entries;
            ConfidentialFile.createFolders(folder);
            ConfidentialFile.restrict(folder);
            AtomicFile.clean(folder);
            for (Path file : list(folder)) {
                long entry = entry(file);
                if (entries.test(entry)) {
                    ConfidentialFile.restrict(file);
                    files.put(entry, file);
                } else if (isThumbnail(file)) {
                    ConfidentialFile.erase(file);
                }
            }
        }

        /** Moves the thumbnails of present entries here from the folder of an earlier version; erases the others. */
        void moveFrom(Path formerFolder) throws IOException {
            for (Path file : list(formerFolder)) {
                long entry = entry(file);
                if (entries.test(entry) && !files.containsKey(entry)) {
                    put(entry, Files.readAllBytes(file));
                }
                if (isThumbnail(file)) {
                    ConfidentialFile.erase(file);
                }
            }
        }

        /** Returns the id of the entry whose thumbnail a file is, or -1 if it is not a thumbnail. */
        private static long entry(Path file) {
            String name = file.getFileName().toString();
            return name.matches("[0-9]{1,18}\\.jpg")
                    ? Long.parseLong(name.substring(0, name.length() - EXTENSION.length()))
                    : -1;
        }

        /** Returns whether a file is a thumbnail, or the temporary file of one that an earlier version left behind. */
        private static boolean isThumbnail(Path file) {
            return file.getFileName().toString().matches("[0-9]+\\.jpg(\\.tmp)?");
        }

        private static List<Path> list(Path folder) throws IOException {
            try (Stream<Path> files = Files.list(folder)) {
                return files.toList();
            }
        }

        @Override
        void put(long entry, byte[] jpeg) throws IOException {
            Path file = folder.resolve(entry + EXTENSION);
            ConfidentialFile.write(file, jpeg);
            files.put(entry, file);
        }

        @Override
        Optional<byte[]> get(long entry) throws IOException {
            Path file = files.get(entry);
            try {
                return file == null ? Optional.empty() : Optional.of(Files.readAllBytes(file));
            } catch (NoSuchFileException e) { // another thread has just removed it
                return Optional.empty();
            }
        }

        @Override
        void remove(long entry) throws IOException {
            Path file = files.remove(entry);
            if (file != null) {
                ConfidentialFile.erase(file);
            }
        }
    }
}
