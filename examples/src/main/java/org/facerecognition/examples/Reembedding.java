package org.facerecognition.examples;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.LongConsumer;
import java.util.stream.Stream;
import org.facerecognition.FaceEmbedder;
import org.facerecognition.data.EmbeddedImage;
import org.facerecognition.data.ImageSource;
import org.facerecognition.gallery.DatabaseGallery;
import org.facerecognition.gallery.Enrollment;
import org.facerecognition.gallery.Entry;
import org.facerecognition.gallery.Gallery;
import org.facerecognition.gallery.StoredEntry;
import org.facerecognition.gallery.UniqueIn;

/**
 * Enrolls the images of a gallery with another model in another gallery, in batches. An image that is there already
 * under the same name is skipped before it is embedded.
 */
final class Reembedding {
    private static final int PAGE = 256; // images that are embedded together and then enrolled as one change

    private final FaceEmbedder embedder;
    private final EntryImages images;
    private final boolean dropAttributes;
    private final Map<String, String> leftOut = new LinkedHashMap<>();
    private int enrolled;
    private int alreadyThere;

    /** An entry that is to be embedded. */
    private record Planned(StoredEntry entry, EntryImages.Found image) {}

    /** @param embedder borrowed */
    Reembedding(FaceEmbedder embedder, EntryImages images, boolean dropAttributes) {
        this.embedder = embedder;
        this.images = images;
        this.dropAttributes = dropAttributes;
    }

    /**
     * Embeds and enrolls.
     *
     * @throws IllegalArgumentException before anything is embedded, if an entry has attributes that are to be kept and
     *     that the other gallery does not store
     */
    void run(Gallery from, Gallery to, LongConsumer progress) {
        if (from instanceof DatabaseGallery && !(to instanceof DatabaseGallery) && !dropAttributes) {
            checkWithoutAttributes(from);
        }
        List<StoredEntry> page;
        long done = 0;
        long last = 0;
        while (!(page = from.page(last, PAGE)).isEmpty()) {
            enroll(missing(found(page), to), to);
            done += page.size();
            last = page.get(page.size() - 1).entry().id();
            progress.accept(done);
        }
    }

    private static void checkWithoutAttributes(Gallery from) {
        List<StoredEntry> page;
        long last = 0;
        while (!(page = from.page(last, PAGE)).isEmpty()) {
            for (StoredEntry stored : page) {
                if (!stored.attributes().isEmpty()) {
                    throw new IllegalArgumentException("a gallery in a file stores no attributes, but entry "
                            + stored.entry().id() + " has "
                            + stored.attributes().keySet()
                            + "; name one in a database with --to, or give --drop-attributes");
                }
            }
            last = page.get(page.size() - 1).entry().id();
        }
    }

    private List<Planned> found(List<StoredEntry> page) {
        List<Planned> planned = new ArrayList<>();
        for (StoredEntry stored : page) {
            try {
                Gallery.checkName(Gallery.upgradedName(stored.entry().identity()));
            } catch (IllegalArgumentException e) { // an earlier version stored it
                leaveOut(stored.entry(), "its " + e.getMessage());
                continue;
            }
            EntryImages.Found image = images.find(stored.entry());
            if (image.problem() == null) {
                planned.add(new Planned(stored, image));
            } else {
                leaveOut(stored.entry(), image.problem());
            }
        }
        return planned;
    }

    private void leaveOut(Entry entry, String why) {
        leftOut.put(Long.toString(entry.id()), why);
    }

    /** Returns the entries that the other gallery does not have, by name and content. */
    private List<Planned> missing(List<Planned> planned, Gallery to) {
        Map<String, List<String>> names = new HashMap<>(); // key: content key
        List<String> keys = planned.stream()
                .map(one -> Objects.requireNonNull(one.image().contentKey()))
                .toList();
        to.withContentKeys(keys)
                .forEach(entry -> names.computeIfAbsent(String.valueOf(entry.contentKey()), key -> new ArrayList<>())
                        .add(entry.identity()));
        List<Planned> missing = new ArrayList<>();
        for (Planned one : planned) {
            List<String> there =
                    names.computeIfAbsent(String.valueOf(one.image().contentKey()), key -> new ArrayList<>());
            String name = one.entry().entry().identity();
            if (there.stream().anyMatch(other -> Gallery.isSameName(other, name))) {
                alreadyThere++;
            } else {
                there.add(name);
                missing.add(one);
            }
        }
        return missing;
    }

    private void enroll(List<Planned> missing, Gallery to) {
        List<Enrollment> batch = new ArrayList<>();
        Stream<ImageSource> sources = missing.stream()
                .map(one -> ImageSource.of(Objects.requireNonNull(one.image().file())));
        try (Stream<EmbeddedImage> results = embedder.embedEach(sources)) {
            Iterator<EmbeddedImage> next = results.iterator();
            for (Planned one : missing) {
                EmbeddedImage result = next.next();
                Entry entry = one.entry().entry();
                if (result.problem().isPresent()) {
                    leaveOut(entry, String.valueOf(result.problem().get().getMessage()));
                } else if (one.image().hasChanged()) {
                    leaveOut(entry, one.image().file() + " changed while it was read; run this again");
                } else {
                    batch.add(new Enrollment(
                            Gallery.upgradedName(entry.identity()),
                            result.embedding().orElseThrow(),
                            entry.note(),
                            one.image().contentKey(),
                            dropAttributes ? Map.of() : one.entry().attributes()));
                }
            }
        }
        long[] ids = to.enrollNewImages(batch, UniqueIn.IDENTITY); // another program may do the same
        int added = (int) Arrays.stream(ids).filter(id -> id != 0).count();
        enrolled += added;
        alreadyThere += ids.length - added;
    }

    /** Returns how many entries were enrolled. */
    int enrolled() {
        return enrolled;
    }

    /** Returns how many entries were there already. */
    int alreadyThere() {
        return alreadyThere;
    }

    /** Returns the entries that were left out, by id, with the reasons. */
    Map<String, String> leftOut() {
        return leftOut;
    }
}
