package org.facerecognition.examples.web;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import org.facerecognition.io.AtomicFile;

/**
 * Small pictures of the faces in a gallery, by entry: beside the gallery's file in the folder {@code NAME.faces}, or in memory
 * alone as the gallery is. A face whose entry is gone is deleted with it, or at the next opening where another program has
 * removed the entry. An entry that another program has made has none.
 */
public abstract sealed class Portraits {
    /** Gone when the program ends. */
    public static Portraits inMemory() {
        return new InMemory();
    }

    /**
     * Beside a gallery's file.
     *
     * @param gallery its file
     * @param entries that it has
     */
    public static Portraits beside(Path gallery, Collection<Long> entries) throws IOException {
        Path folder = gallery.toAbsolutePath().resolveSibling(gallery.getFileName() + ".faces");
        return new InFolder(folder, entries);
    }

    abstract void keep(long entry, byte[] jpeg) throws IOException;

    abstract Optional<byte[]> of(long entry) throws IOException;

    abstract void drop(long entry) throws IOException;

    private static final class InMemory extends Portraits {
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

    private static final class InFolder extends Portraits {
        private static final String ENDING = ".jpg";

        private final Path folder;
        private final Map<Long, Path> files = new ConcurrentHashMap<>(); // only what is in here is ever opened

        InFolder(Path folder, Collection<Long> entries) throws IOException {
            this.folder = folder;
            AtomicFile.createFolders(folder);
            AtomicFile.clean(folder);
            Set<String> names = new HashSet<>();
            entries.forEach(entry -> names.add(entry + ENDING));
            for (Path file : list(folder)) {
                String name = file.getFileName().toString();
                if (names.contains(name)) {
                    files.put(Long.valueOf(name.substring(0, name.length() - ENDING.length())), file);
                } else if (name.matches(
                        "[0-9]+\\.jpg(\\.tmp)?")) { // ours, of somebody who is no longer there, or left by an earlier
                    // version
                    Files.delete(file);
                }
            }
        }

        private static List<Path> list(Path folder) throws IOException {
            try (Stream<Path> files = Files.list(folder)) {
                return files.toList();
            }
        }

        @Override
        void keep(long entry, byte[] jpeg) throws IOException {
            Path file = folder.resolve(entry + ENDING);
            AtomicFile.write(file, jpeg);
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
                Files.deleteIfExists(file);
            }
        }
    }
}
