package org.facerecognition.examples.web;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import org.facerecognition.io.AtomicFile;
import org.facerecognition.io.ConfidentialFile;

/**
 * Small images of the faces in a gallery, by entry: beside the gallery's file in the folder {@code NAME.faces}, or in
 * memory alone as the gallery is. On the disk they are readable by their owner alone. The image of an entry that is
 * removed is overwritten and deleted, or at the next opening where another program has removed the entry. An entry that
 * another program has enrolled has none.
 */
public abstract sealed class FaceThumbnails {
    /** Gone when the program ends. */
    public static FaceThumbnails inMemory() {
        return new InMemory();
    }

    /**
     * Beside a gallery's file.
     *
     * @param gallery its file
     * @param entries that it has
     */
    public static FaceThumbnails beside(Path gallery, Collection<Long> entries) throws IOException {
        Path folder = folder(AtomicFile.real(gallery));
        Path former = folder(gallery.toAbsolutePath()); // earlier versions did not follow links to the gallery
        InFolder portraits = new InFolder(folder, entries);
        if (Files.isDirectory(former) && !Files.isSameFile(former, folder)) {
            portraits.takeOver(former);
        }
        return portraits;
    }

    /**
     * Erases the images of entries that a gallery no longer has, if any were kept beside its file.
     *
     * @param entries that the gallery has
     */
    public static void eraseOthers(Path gallery, Collection<Long> entries) throws IOException {
        if (Files.isDirectory(folder(AtomicFile.real(gallery)))
                || Files.isDirectory(folder(gallery.toAbsolutePath()))) {
            beside(gallery, entries);
        }
    }

    private static Path folder(Path gallery) {
        return gallery.resolveSibling(gallery.getFileName() + ".faces");
    }

    abstract void keep(long entry, byte[] jpeg) throws IOException;

    abstract Optional<byte[]> of(long entry) throws IOException;

    abstract void drop(long entry) throws IOException;

    private static final class InMemory extends FaceThumbnails {
        private final Map<Long, byte[]> pictures = new ConcurrentHashMap<>();

        @Override
        void keep(long entry, byte[] jpeg) {
            pictures.put(entry, jpeg);
        }

        @Override
        Optional<byte[]> of(long entry) {
            return Optional.ofNullable(pictures.get(entry));
        }

        @Override
        void drop(long entry) {
            pictures.remove(entry);
        }
    }

    private static final class InFolder extends FaceThumbnails {
        private static final String ENDING = ".jpg";

        private final Path folder;
        private final Set<Long> entries; // when it was opened
        private final Map<Long, Path> files = new ConcurrentHashMap<>(); // only what is in here is ever opened

        InFolder(Path folder, Collection<Long> entries) throws IOException {
            this.folder = folder;
            this.entries = Set.copyOf(entries);
            ConfidentialFile.createFolders(folder);
            ConfidentialFile.restrict(folder);
            AtomicFile.clean(folder);
            for (Path file : list(folder)) {
                long entry = entry(file);
                if (this.entries.contains(entry)) {
                    ConfidentialFile.restrict(file);
                    files.put(entry, file);
                } else if (isOurs(file)) {
                    ConfidentialFile.erase(file);
                }
            }
        }

        /** Moves what belongs here from the folder of an earlier version, and erases the rest. */
        void takeOver(Path former) throws IOException {
            for (Path file : list(former)) {
                long entry = entry(file);
                if (entries.contains(entry) && !files.containsKey(entry)) {
                    keep(entry, Files.readAllBytes(file));
                }
                if (isOurs(file)) {
                    ConfidentialFile.erase(file);
                }
            }
        }

        /** The number of the entry that a file is of; -1 when it is of none. */
        private static long entry(Path file) {
            String name = file.getFileName().toString();
            return name.matches("[0-9]{1,18}\\.jpg")
                    ? Long.parseLong(name.substring(0, name.length() - ENDING.length()))
                    : -1;
        }

        /** Whether a file is an image of a face, or was left by an earlier version while it wrote one. */
        private static boolean isOurs(Path file) {
            return file.getFileName().toString().matches("[0-9]+\\.jpg(\\.tmp)?");
        }

        private static List<Path> list(Path folder) throws IOException {
            try (Stream<Path> files = Files.list(folder)) {
                return files.toList();
            }
        }

        @Override
        void keep(long entry, byte[] jpeg) throws IOException {
            Path file = folder.resolve(entry + ENDING);
            ConfidentialFile.write(file, jpeg);
            files.put(entry, file);
        }

        @Override
        Optional<byte[]> of(long entry) throws IOException {
            Path file = files.get(entry);
            try {
                return file == null ? Optional.empty() : Optional.of(Files.readAllBytes(file));
            } catch (NoSuchFileException e) { // removed in this moment
                return Optional.empty();
            }
        }

        @Override
        void drop(long entry) throws IOException {
            Path file = files.remove(entry);
            if (file != null) {
                ConfidentialFile.erase(file);
            }
        }
    }
}
