package org.facerecognition.examples;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import org.facerecognition.io.AtomicFile;

/**
 * The photographs that no result of a command may replace: the images that were given, others beside them, and those to
 * which a result's name is a link.
 */
final class KeptPhotographs {
    private final Map<String, List<Path>> given = new HashMap<>(); // by the key of their real paths
    private final Set<Path> folders = new HashSet<>(); // in which they are, and in which they are named
    private final Predicate<Path> isFormerResult;

    /**
     * @param images that were given
     * @param isFormerResult whether an existing file looks like a result of the same command
     */
    KeptPhotographs(List<Path> images, Predicate<Path> isFormerResult) throws IOException {
        this.isFormerResult = isFormerResult;
        Set<Path> named = new HashSet<>();
        for (Path image : images) {
            if (Files.exists(image)) { // else reading it says so
                Path real = image.toRealPath();
                given.computeIfAbsent(ImageFileNames.key(real), key -> new ArrayList<>())
                        .add(image);
                folders.add(folder(real));
                named.add(folder(image.toAbsolutePath()));
            }
        }
        for (Path folder : named) {
            folders.add(folder.toRealPath());
        }
    }

    private static Path folder(Path file) {
        Path folder = file.getParent();
        return folder == null ? file : folder;
    }

    /**
     * Checks that a result replaces no photograph.
     *
     * @param result the file to write
     * @throws IllegalArgumentException naming the photograph
     */
    void requireKept(Path result) throws IOException {
        Path replaced = AtomicFile.real(result);
        if (!Files.isRegularFile(replaced)) { // .png is not .PNG everywhere
            return;
        }
        for (Path image : given.getOrDefault(ImageFileNames.key(replaced), List.of())) {
            if (Files.isSameFile(replaced, image)) {
                throw wouldReplace(image);
            }
        }
        if (Files.isSymbolicLink(result)) { // no command makes one
            throw wouldReplace(replaced);
        }
        if (folders.contains(folder(replaced)) && !isFormerResult.test(replaced)) {
            throw wouldReplace(result);
        }
    }

    private static IllegalArgumentException wouldReplace(Path photograph) {
        return new IllegalArgumentException("--out must be a folder in which no photograph is replaced, but "
                + photograph + " would be; choose another folder, outside of those with the images");
    }
}
