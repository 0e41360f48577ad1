package org.facerecognition.examples;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
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

    /** Says how many other images there are among the crops, if any, and in which folders that could not be seen. */
    List<String> othersNotes() {
        if (!Files.isDirectory(folder)) {
            return List.of();
        }
        PassedOver passedOver = new PassedOver();
        List<String> notes = new ArrayList<>();
        long count;
        try {
            count = ImageFiles.below(folder, passedOver).stream()
                    .filter(file -> !written.contains(absolute(file)))
                    .count();
        } catch (DataException e) { // the crops are written nonetheless
            return List.of("note: " + e.getMessage());
        }
        passedOver.problems().values().forEach(problem -> notes.add("note: " + problem));
        if (count > 0) {
            notes.add("note: " + folder + " has " + count + (count == 1 ? " image file" : " image files")
                    + " that this run did not write; remove what is not to be trained on");
        }
        return notes;
    }
}
