package org.facerecognition.examples;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.facerecognition.gallery.ContentKey;
import org.facerecognition.gallery.Entry;
import org.facerecognition.gallery.Gallery;
import org.jspecify.annotations.Nullable;

/**
 * Which images of people are to be enrolled. An image is known by its content: under the same name it is there already,
 * whatever its file is called now, and a new image under a former file's name is a new image.
 *
 * <p>Entries of galleries of earlier versions have no content key. Of these, the same file under the same name is there
 * already; the same file under another name is enrolled, with a note that says what it was enrolled as.
 */
final class EnrollmentPlan {
    private final List<Image> fresh = new ArrayList<>();
    private final List<String> alreadyThere = new ArrayList<>();
    private final Map<String, String> leftOut = new LinkedHashMap<>();
    private final List<String> notes = new ArrayList<>();
    private final Map<String, List<Entry>> byContent = new HashMap<>();
    private final Map<String, List<Entry>> withoutContent = new HashMap<>(); // by file

    /**
     * An image of somebody.
     *
     * @param contentKey null where the file could not be read
     */
    record Image(String name, Path file, @Nullable String contentKey) {
        /** The file as entries note it. */
        String note() {
            return file.toAbsolutePath().normalize().toString();
        }

        boolean hasChanged() {
            return contentKey != null && !contentKey.equals(EnrollmentPlan.contentKey(file));
        }
    }

    /** @param entries that the gallery has */
    EnrollmentPlan(Collection<Entry> entries) {
        for (Entry entry : entries) {
            if (entry.contentKey() != null) {
                byContent
                        .computeIfAbsent(entry.contentKey(), key -> new ArrayList<>())
                        .add(entry);
            } else if (entry.note() != null) {
                withoutContent
                        .computeIfAbsent(entry.note(), key -> new ArrayList<>())
                        .add(entry);
            }
        }
    }

    /** Takes an image up, and decides what becomes of it. */
    void add(String name, Path file) {
        Image image = new Image(name, file, contentKey(file));
        List<Entry> same = byContent.getOrDefault(String.valueOf(image.contentKey()), List.of());
        List<Entry> former = withoutContent.getOrDefault(image.note(), List.of());
        if (named(name, same).isPresent()
                || same.isEmpty() && named(name, former).isPresent()) {
            alreadyThere.add(file.toString());
        } else if (!same.isEmpty()) {
            leftOut.put(file.toString(), isEnrolledAs(image, same.get(0)));
        } else {
            former.stream().findFirst().ifPresent(entry -> notes.add(wasEnrolledAs(image, entry)));
            fresh.add(image);
            if (image.contentKey() != null) {
                Entry planned = new Entry(0, name, image.note(), image.contentKey());
                byContent.put(image.contentKey(), List.of(planned));
            }
        }
    }

    private static Optional<Entry> named(String name, List<Entry> entries) {
        return entries.stream()
                .filter(entry -> Gallery.isSameName(entry.identity(), name))
                .findFirst();
    }

    private static String isEnrolledAs(Image image, Entry entry) {
        String other = GalleryCommand.printable(entry.identity());
        return image.file() + " must be one person's, but the same image "
                + (entry.id() == 0
                        ? "was given for " + other + " too"
                        : "is enrolled as " + other + " (entry " + entry.id()
                                + "); if that name is wrong, remove that entry first");
    }

    private static String wasEnrolledAs(Image image, Entry entry) {
        return image.file() + " was enrolled as " + GalleryCommand.printable(entry.identity()) + " (entry " + entry.id()
                + ") by an earlier version, which did not keep what the image was; if it is the same image, remove that"
                + " entry";
    }

    /** Null where the file cannot be read, which whoever decodes it says better. */
    static @Nullable String contentKey(Path file) {
        try {
            return ContentKey.of(file);
        } catch (IOException e) {
            return null;
        }
    }

    List<Image> fresh() {
        return fresh;
    }

    /** Files of images that are enrolled under that name. */
    List<String> alreadyThere() {
        return alreadyThere;
    }

    /** Files and why they are not enrolled. */
    Map<String, String> leftOut() {
        return leftOut;
    }

    /** Sentences for standard error. */
    List<String> notes() {
        return notes;
    }
}
