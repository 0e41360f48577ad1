package org.facerecognition.examples;

import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.text.Normalizer;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;
import org.facerecognition.data.DataException;
import org.facerecognition.data.ImageFiles;
import org.facerecognition.data.PassedOver;
import org.facerecognition.gallery.Entry;
import org.facerecognition.io.FileNames;
import org.jspecify.annotations.Nullable;

/** Finds the image that an entry of a gallery was enrolled from, and makes sure that it is the same by its content. */
final class EntryImages {
    private final @Nullable Path folder;
    private final Map<String, Path> byContent; // key: content key

    /**
     * The image of an entry, or why there is none.
     *
     * @param file null if there is none
     * @param contentKey of the file as it is now; null if there is none
     * @param problem null if there is a file
     */
    record Found(
            @Nullable Path file,
            @Nullable String contentKey,
            @Nullable String problem) {
        /** Returns whether the file has other contents than when it was found. */
        boolean hasChanged() {
            return file != null && !Objects.equals(contentKey, EnrollmentPlan.contentKey(file));
        }
    }

    private EntryImages(@Nullable Path folder, Map<String, Path> byContent) {
        this.folder = folder;
        this.byContent = byContent;
    }

    /** Finds images where they were enrolled from, which the notes of the entries say. */
    static EntryImages byNote() {
        return new EntryImages(null, Map.of());
    }

    /**
     * Finds images by their content, anywhere below a folder. Reads all of them once.
     *
     * @param notes receives which folders below it could not be read, and which names could not be decoded
     */
    static EntryImages below(Path folder, Consumer<String> notes) {
        Map<String, Path> byContent = new HashMap<>();
        PassedOver passedOver = new PassedOver();
        List<Path> images = ImageFiles.withReadableNames(ImageFiles.below(folder, passedOver), passedOver);
        passedOver.problems().values().forEach(notes);
        for (Path image : images) {
            @Nullable String key = EnrollmentPlan.contentKey(image);
            if (key != null) {
                byContent.putIfAbsent(key, image);
            }
        }
        if (byContent.isEmpty()) {
            throw new DataException(
                    "folder " + folder + " must have the images of the gallery, but " + passedOver.instead());
        }
        return new EntryImages(folder, byContent);
    }

    Found find(Entry entry) {
        String who = "entry " + entry.id() + " (" + GalleryCommand.printable(entry.identity()) + ")";
        if (entry.contentKey() == null) {
            return problem(who + " has no record of its image's content"
                    + (entry.note() == null
                            ? ""
                            : "; " + GalleryCommand.printable(entry.note()) + " may be another image now")
                    + "; enroll the image in the other gallery with gallery enroll");
        }
        @Nullable Path file = byContent.get(entry.contentKey());
        if (file != null) {
            return new Found(file, entry.contentKey(), null);
        }
        if (folder != null) {
            return problem(who + " has no image with its content below " + folder);
        }
        if (entry.note() == null) {
            return problem(
                    who + " does not say from which file it was enrolled; give the folder of images with --folder,"
                            + " or enroll the image again");
        }
        String note = GalleryCommand.printable(entry.note());
        try {
            file = Path.of(entry.note());
            if (!Files.exists(file)) { // notes are stored composed; names of files may be decomposed
                file = Path.of(Normalizer.normalize(entry.note(), Normalizer.Form.NFD));
            }
        } catch (InvalidPathException e) {
            return problem(who + " was enrolled with the note " + note + ", which "
                    + (FileNames.isUnicode(FileNames.charset())
                            ? "is not a file"
                            : "cannot be opened: " + FileNames.remedy()));
        }
        @Nullable String contentKey = Files.isRegularFile(file) ? EnrollmentPlan.contentKey(file) : null;
        if (contentKey == null) {
            return problem(who + " was enrolled from " + note
                    + ", which is not there any more or cannot be read; give the folder of images with --folder");
        }
        if (!contentKey.equals(entry.contentKey())) {
            return problem(who + " was enrolled from " + note + ", which has other contents now");
        }
        return new Found(file, contentKey, null);
    }

    private static Found problem(String problem) {
        return new Found(null, null, problem);
    }
}
