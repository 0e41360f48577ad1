package org.facerecognition.examples;

import java.io.IOException;
import java.nio.file.Path;
import java.text.Normalizer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.facerecognition.gallery.ContentKey;
import org.facerecognition.gallery.Entry;
import org.facerecognition.gallery.Gallery;
import org.jspecify.annotations.Nullable;

/**
 * Decides which images of people are to be enrolled in a gallery. Images are compared by content: an image that is in
 * the gallery under the same person's name is not enrolled again, even if its file has been renamed, and another image
 * in a file of the same name is a new image.
 *
 * <p>Entries without a content key, as of earlier versions, are compared by file. The same file under the same name is
 * not enrolled again; the same file under another name is enrolled, with a note that says which name it had.
 */
final class EnrollmentPlan {
    private static final int LOOKED_UP_TOGETHER = 1_000;

    private final List<Image> newImages = new ArrayList<>();
    private final List<String> alreadyThere = new ArrayList<>();
    private final List<Repeated> repeated = new ArrayList<>();
    private final Map<String, Image> planned = new HashMap<>(); // key: content key
    private final Map<String, String> leftOut = new LinkedHashMap<>();
    private final List<String> notes = new ArrayList<>();
    private final Gallery gallery;
    private final Map<String, List<Entry>> byContent = new HashMap<>(); // key: content key
    private final Map<String, List<Entry>> withoutContent = new HashMap<>(); // key: file

    /** An image to be enrolled under a person's name. */
    record NamedImage(String name, Path file) {}

    /**
     * An image of a person.
     *
     * @param name the person's name
     * @param contentKey null if the file could not be read
     */
    record Image(String name, Path file, @Nullable String contentKey) {
        /** Returns the file in the form in which entries record it. */
        String note() {
            return EnrollmentPlan.note(file);
        }

        /** Returns whether the file has other contents than when it was planned. */
        boolean hasChanged() {
            return contentKey != null && !contentKey.equals(EnrollmentPlan.contentKey(file));
        }
    }

    /** An image that was given twice for one person: it is there if the first is enrolled. */
    private record Repeated(Image first, Image image) {}

    /** @param gallery borrowed; nothing is enrolled in it while images are added */
    EnrollmentPlan(Gallery gallery) {
        this.gallery = gallery;
    }

    /** Decides about images, in order; see {@link #add(String, Path)}. */
    void add(List<NamedImage> images) {
        lookUpFiles(images); // all at once, since it may read every entry without a content key
        for (int from = 0; from < images.size(); from += LOOKED_UP_TOGETHER) {
            List<Image> some = images.subList(from, Math.min(images.size(), from + LOOKED_UP_TOGETHER)).stream()
                    .map(image -> new Image(image.name(), image.file(), contentKey(image.file())))
                    .toList();
            lookUp(some);
            some.forEach(this::add);
        }
    }

    /** Decides whether an image is new, already enrolled or left out, and records it there. */
    void add(String name, Path file) {
        add(List.of(new NamedImage(name, file)));
    }

    private void lookUpFiles(List<NamedImage> images) {
        Set<String> unknown = images.stream()
                .map(image -> note(image.file()))
                .filter(note -> !withoutContent.containsKey(note))
                .collect(Collectors.toSet());
        for (Entry entry : gallery.withoutContentKey(unknown)) {
            withoutContent
                    .computeIfAbsent(String.valueOf(entry.note()), key -> new ArrayList<>())
                    .add(entry);
        }
    }

    private void lookUp(List<Image> images) {
        Set<String> unknown = new HashSet<>();
        for (Image image : images) {
            if (image.contentKey() != null && !byContent.containsKey(image.contentKey())) {
                unknown.add(image.contentKey());
            }
        }
        for (Entry entry : gallery.withContentKeys(unknown)) {
            byContent
                    .computeIfAbsent(String.valueOf(entry.contentKey()), key -> new ArrayList<>())
                    .add(entry);
        }
    }

    private void add(Image image) {
        String name = image.name();
        Path file = image.file();
        List<Entry> same = byContent.getOrDefault(String.valueOf(image.contentKey()), List.of());
        List<Entry> former = withoutContent.getOrDefault(image.note(), List.of());
        Image first = planned.get(String.valueOf(image.contentKey()));
        if (first != null && Gallery.isSameName(first.name(), name)) {
            repeated.add(new Repeated(first, image));
        } else if (named(name, same).isPresent()
                || same.isEmpty() && named(name, former).isPresent()) {
            alreadyThere.add(file.toString());
        } else if (!same.isEmpty()) {
            leftOut.put(file.toString(), isEnrolledAs(image, same.get(0)));
        } else {
            former.stream().findFirst().ifPresent(entry -> notes.add(wasEnrolledAs(image, entry)));
            newImages.add(image);
            if (image.contentKey() != null) {
                planned.put(image.contentKey(), image);
                byContent.put(image.contentKey(), List.of(new Entry(0, name, image.note(), image.contentKey())));
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
        return image.file() + " must belong to one person, but the same image "
                + (entry.id() == 0
                        ? "was also given for " + other
                        : "is enrolled as " + other + " (entry " + entry.id()
                                + "); if that name is wrong, remove that entry first");
    }

    private static String wasEnrolledAs(Image image, Entry entry) {
        return image.file() + " was enrolled as " + GalleryCommand.printable(entry.identity()) + " (entry " + entry.id()
                + ") without a record of the image's content; if it is the same image, remove that entry";
    }

    private static String note(Path file) {
        String path = file.toAbsolutePath().normalize().toString();
        return Normalizer.normalize(path, Normalizer.Form.NFC); // which names of files need not be
    }

    /** Returns the file's content key; null if the file cannot be read, which decoding it reports with the reason. */
    static @Nullable String contentKey(Path file) {
        try {
            return ContentKey.of(file);
        } catch (IOException e) {
            return null;
        }
    }

    /** Returns the images to be enrolled. */
    List<Image> newImages() {
        return newImages;
    }

    /**
     * Decides about a new image that was not enrolled, because another program has enrolled it since.
     *
     * @return the reason for which it is left out; empty if it is already there under the same name
     */
    Optional<String> settleEnrolledMeanwhile(Image image) {
        List<Entry> same = gallery.withContentKeys(List.of(String.valueOf(image.contentKey())));
        if (named(image.name(), same).isPresent()) {
            alreadyThere.add(image.file().toString());
            return Optional.empty();
        }
        return Optional.of(
                same.isEmpty()
                        ? image.file() + " was enrolled and removed by another program meanwhile; enroll it again"
                        : isEnrolledAs(image, same.get(0)));
    }

    /**
     * Decides about the images that were given twice, once the first of each was enrolled or left out.
     *
     * @param failed files of new images that were not enrolled, with the reasons; those of their copies are added
     */
    void settleRepeated(Map<String, String> failed) {
        for (Repeated twice : repeated) {
            String reason = failed.get(twice.first.file().toString());
            if (reason == null) {
                alreadyThere.add(twice.image.file().toString());
            } else {
                failed.put(
                        twice.image.file().toString(),
                        twice.image.file() + " is the same image as " + twice.first.file() + ", which was left out: "
                                + reason);
            }
        }
    }

    /** Returns the files whose images are already enrolled under the same name. */
    List<String> alreadyThere() {
        return alreadyThere;
    }

    /** Returns the files that are not enrolled, with the reasons. */
    Map<String, String> leftOut() {
        return leftOut;
    }

    /** Returns notes for standard error. */
    List<String> notes() {
        return notes;
    }
}
