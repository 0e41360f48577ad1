package org.facerecognition.examples;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.facerecognition.data.DataException;
import org.facerecognition.data.ImageFiles;
import org.facerecognition.data.PassedOver;

/** What earlier runs of {@code align} left in the folder of the crops, which would be trained on. */
final class FormerCrops {
    private final Path folder;
    private final Set<Path> written = new HashSet<>();

    /** @param folder in which the crops are, or will be */
    FormerCrops(Path folder) {
        this.folder = folder;
    }

    private static Path absolute(Path file) {
        return file.toAbsolutePath().normalize();
    }

    /** Takes note of crops that this run has written. */
    void written(List<String> crops) {
        crops.forEach(crop -> written.add(absolute(Path.of(crop))));
    }

    /** Says how many other images there are among the crops, if any. */
    Optional<String> othersNote() {
        if (!Files.isDirectory(folder)) {
            return Optional.empty();
        }
        long count;
        try {
            count = ImageFiles.below(folder, new PassedOver()).stream()
                    .filter(file -> !written.contains(absolute(file)))
                    .count();
        } catch (DataException e) { // a folder in it that cannot be read; the crops are written nonetheless
            return Optional.of("note: " + e.getMessage());
        }
        return count == 0
                ? Optional.empty()
                : Optional.of("note: " + folder + " has " + count + (count == 1 ? " image file" : " image files")
                        + " that this run did not write; remove what is not to be trained on");
    }
}
