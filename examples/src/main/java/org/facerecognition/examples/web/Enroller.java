package org.facerecognition.examples.web;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.facerecognition.gallery.Enrollment;
import org.facerecognition.gallery.Entry;
import org.facerecognition.gallery.Gallery;
import org.facerecognition.gallery.UniqueIn;
import org.facerecognition.io.AtomicFile;

/** Enrolls faces with their thumbnails, each image once. Safe for use by several threads. */
final class Enroller {
    private static final int LOCKS = 64; // images that share one wait for each other, which is rare

    private final Gallery gallery;
    private final FaceThumbnails thumbnails;
    private final Object[] locks = Stream.generate(Object::new).limit(LOCKS).toArray(); // by content key

    /** @param gallery borrowed */
    Enroller(Gallery gallery, FaceThumbnails thumbnails) {
        this.gallery = gallery;
        this.thumbnails = thumbnails;
    }

    /**
     * Returns the entry of an image, which is enrolled if no server has done so.
     *
     * @throws ApiException when the image is enrolled under another name
     */
    long enroll(String name, String contentKey, DemoService.ChosenFace face) {
        // An entry whose thumbnail cannot be stored is removed, which another request must not have answered with.
        synchronized (locks[Math.floorMod(contentKey.hashCode(), LOCKS)]) {
            return entryOf(name, contentKey, face);
        }
    }

    private long entryOf(String name, String contentKey, DemoService.ChosenFace face) {
        Optional<Long> added = addEntry(name, contentKey, face);
        if (added.isPresent()) {
            return added.get();
        }
        Optional<Long> existing = existingEntry(name, contentKey);
        if (existing.isPresent() && face.facesInImage() == 1) { // enrolled by a command, or shown before a restart
            restoreThumbnail(existing.get(), contentKey, face.thumbnail());
        }
        return existing.orElseGet(() -> entryOf(name, contentKey, face)); // it was removed in the meantime
    }

    private void restoreThumbnail(long entry, String contentKey, byte[] thumbnail) {
        try {
            if (thumbnails.get(entry).isEmpty()) {
                putThumbnail(entry, contentKey, thumbnail);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(
                    "cannot store the thumbnail of entry " + entry + ": " + AtomicFile.reason(e), e);
        }
    }

    /** Enrolls an image; returns its entry, or nothing if the gallery has the image already, under whatever name. */
    private Optional<Long> addEntry(String name, String contentKey, DemoService.ChosenFace face) {
        List<Enrollment> image = List.of(new Enrollment(name, face.embedding(), null, contentKey));
        long entry = gallery.enrollNewImages(image, UniqueIn.GALLERY)[0];
        if (entry == 0) {
            return Optional.empty();
        }
        try {
            putThumbnail(entry, contentKey, face.thumbnail());
        } catch (IOException | RuntimeException e) {
            throw withoutEntry(entry, e);
        }
        return Optional.of(entry);
    }

    /** Removes an entry whose thumbnail could not be stored; returns what to throw. */
    private RuntimeException withoutEntry(long entry, Exception why) {
        String problem = "cannot store the thumbnail of entry " + entry;
        try {
            thumbnails.remove(entry); // it may be there, if the gallery could not be asked afterwards
            gallery.remove(entry);
        } catch (IOException | RuntimeException e) {
            IllegalStateException remains = new IllegalStateException(
                    problem + " (" + why
                            + "), and the entry could not be removed, so that it may remain in the gallery (" + e + ")",
                    why);
            remains.addSuppressed(e);
            return remains;
        }
        return why instanceof RuntimeException unchecked
                ? unchecked
                : new UncheckedIOException(problem + ": " + AtomicFile.reason((IOException) why), (IOException) why);
    }

    private void putThumbnail(long entry, String contentKey, byte[] thumbnail) throws IOException {
        thumbnails.put(entry, contentKey, thumbnail);
        if (gallery.entry(entry).isEmpty()) { // another request has removed it in the meantime
            thumbnails.remove(entry);
        }
    }

    /** Returns the entry of the same image under the same name; rejects the same image under another name. */
    private Optional<Long> existingEntry(String name, String contentKey) {
        List<Entry> sameImage = gallery.withContentKeys(List.of(contentKey));
        Optional<Long> existing = sameImage.stream()
                .filter(entry -> Gallery.isSameName(entry.identity(), name))
                .map(Entry::id)
                .findFirst();
        if (existing.isEmpty() && !sameImage.isEmpty()) {
            throw new ApiException(
                    409,
                    "this image is already enrolled as " + sameImage.get(0).identity()
                            + "; if that name is wrong, remove that entry first");
        }
        return existing;
    }
}
