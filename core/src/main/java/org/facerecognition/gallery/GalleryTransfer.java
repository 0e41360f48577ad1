package org.facerecognition.gallery;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.function.LongConsumer;

/**
 * Moves the entries of whole galleries: between galleries in files and databases, and to and from folders that other
 * programs can read. Entries are read and enrolled in batches, so that no more than one batch is in memory.
 *
 * <p>A folder has {@code embeddings.npy}, an array [N, D] of NumPy in single precision with L2-normalized rows; {@code
 * entries.csv} in UTF-8, whose row N belongs to row N of the array, with the columns {@code identity}, {@code note},
 * {@code content_key}, {@code attributes} (a JSON object) and {@code enrolled_at} (written, but not read); and {@code
 * gallery.json}, which names the model by fingerprint, the dimension and the embedding mode. Another program that
 * writes such a folder may leave out all columns but {@code identity}, and the checksums and the number of entries in
 * {@code gallery.json}.
 *
 * <p>What is there already is not enrolled again ({@link Gallery#enrollMissing}). So a transfer that was killed can be
 * started again, and one that is done twice changes nothing. Entries get new ids in the same order, and identifying a
 * probe among them has the same answer, to the last bit. Names of earlier versions that would be rejected today are
 * stored with spaces in place of control characters.
 */
public final class GalleryTransfer {
    /** The number of entries in a batch. */
    static final int PAGE = 1_000;

    private GalleryTransfer() {}

    /**
     * What a transfer did.
     *
     * @param added number of entries that are new
     * @param alreadyThere number of entries that were there already
     */
    public record Result(long added, long alreadyThere) {}

    /**
     * An exported gallery.
     *
     * @param gallery the model that it belongs to
     * @param entries their number
     */
    public record Exported(GalleryInfo gallery, long entries) {}

    /** What becomes of attributes, which galleries in files and in memory do not store. */
    public enum AttributesPolicy {
        /** A gallery that cannot store them rejects the transfer. */
        KEEP,
        /** They are left out. */
        DROP
    }

    /**
     * Enrolls all entries of a gallery in another one of the same model, and binds it to the same embedding mode. All
     * entries are checked first, and nothing is enrolled if the other gallery cannot store one of them.
     *
     * @param from borrowed
     * @param to open for writing; borrowed
     * @param progress receives the number of entries so far
     * @throws GalleryException if the galleries are of different models or modes, the other one cannot store what is to
     *     be kept, or one of them cannot be read or written; what was enrolled before stays, see {@link
     *     GalleryException#transferred}
     */
    public static Result copy(Gallery from, Gallery to, AttributesPolicy attributes, LongConsumer progress) {
        ModelBinding.check(
                "the gallery",
                new GalleryInfo(to.fingerprint(), to.dimension()),
                from.fingerprint(),
                from.dimension(),
                "gallery");
        Target target = new Target(to, attributes);
        progress.accept(0);
        forEachPage(from, page -> page.forEach(target::check));
        from.embeddingMode().ifPresent(to::bindEmbeddingMode);
        return target.enrolledBy(() -> forEachPage(from, page -> {
            for (StoredEntry stored : page) {
                Entry entry = stored.entry();
                String identity = Names.upgraded(entry.identity());
                target.checkAttributes(identity, stored.attributes()); // others may have written some in the meantime
                target.add(new Enrollment(
                        identity, stored.embedding(), entry.note(), entry.contentKey(), stored.attributes()));
            }
            target.flush();
            progress.accept(target.entries());
        }));
    }

    /** Visits all entries, by rising ids. */
    private static void forEachPage(Gallery gallery, Consumer<List<StoredEntry>> visitor) {
        List<StoredEntry> page;
        long last = 0;
        while (!(page = gallery.page(last, PAGE)).isEmpty()) {
            visitor.accept(page);
            last = page.get(page.size() - 1).entry().id();
        }
    }

    /**
     * Writes all entries of a gallery into a folder, which only the owner can read. Entries that are enrolled or
     * removed in the meantime may or may not be among them.
     *
     * @param from borrowed
     * @param folder new or empty, or with what an interrupted export has left
     * @param progress receives the number of entries so far
     * @return the number of entries
     * @throws GalleryException if the folder has other files or cannot be written
     */
    public static long exportTo(Gallery from, Path folder, LongConsumer progress) {
        return new GalleryExport(from, folder).write(progress);
    }

    /**
     * Reads which model an exported gallery belongs to, and how many entries it has.
     *
     * @throws GalleryException if it is not the folder of an exported gallery
     */
    public static Exported info(Path folder) {
        return new GalleryImport(folder).exported();
    }

    /**
     * Enrolls all entries of a folder in a gallery of the same model, and binds it to the same embedding mode. All rows
     * are checked first, and nothing is enrolled if one of them is wrong.
     *
     * @param folder that {@link #exportTo} or another program has written
     * @param to open for writing; borrowed
     * @param progress receives the number of entries so far, which is 0 while the rows are checked
     * @throws GalleryException if the folder is of another model or mode, is damaged, or has a row that cannot be
     *     enrolled; or if the gallery cannot be written, in which case what was enrolled before stays, see {@link
     *     GalleryException#transferred}
     */
    public static Result importFrom(Path folder, Gallery to, AttributesPolicy attributes, LongConsumer progress) {
        Target target = new Target(to, attributes);
        new GalleryImport(folder).run(target, progress);
        return target.result();
    }

    /** Enrolls entries in batches. */
    static final class Target {
        private final Gallery gallery;
        private final AttributesPolicy attributes;
        private final List<Enrollment> batch = new ArrayList<>(PAGE);
        private Result result = new Result(0, 0);

        Target(Gallery gallery, AttributesPolicy attributes) {
            this.gallery = gallery;
            this.attributes = attributes;
        }

        Gallery gallery() {
            return gallery;
        }

        Result result() {
            return result;
        }

        /**
         * Runs what enrolls the entries, and returns what it did.
         *
         * @throws GalleryException that says what had been done, if one is thrown
         */
        Result enrolledBy(Runnable enrolling) {
            try {
                enrolling.run();
                return result;
            } catch (GalleryException e) {
                throw e.after(result);
            }
        }

        /** Returns whether an entry with attributes cannot be enrolled. */
        boolean rejectsAttributes() {
            return attributes == AttributesPolicy.KEEP && !(gallery instanceof DatabaseGallery);
        }

        /** @throws GalleryException if the gallery cannot store the entry */
        void check(StoredEntry stored) {
            Entry entry = stored.entry();
            checkTexts(entry);
            checkAttributes(entry.identity(), stored.attributes());
            try {
                Names.checked(Names.upgraded(entry.identity()));
                if (attributes == AttributesPolicy.KEEP) {
                    Attributes.json(stored.attributes());
                }
            } catch (IllegalArgumentException e) { // an earlier version or another program has stored it
                throw new GalleryException(
                        "entry " + entry.id() + " cannot be enrolled: " + e.getMessage()
                                + "; remove the entry, or correct its attributes with setAttributes",
                        e);
            }
        }

        /** @throws GalleryException if the gallery cannot store the entry's texts */
        void checkTexts(Entry entry) {
            if (gallery instanceof DatabaseGallery) {
                try {
                    PostgresGallery.storable(Objects.requireNonNullElse(entry.note(), ""));
                    PostgresGallery.storable(Objects.requireNonNullElse(entry.contentKey(), ""));
                } catch (IllegalArgumentException e) {
                    throw new GalleryException(
                            "an entry of " + entry.identity() + " cannot be enrolled: " + e.getMessage(), e);
                }
            }
        }

        /** @throws GalleryException if the entry's attributes cannot be kept */
        void checkAttributes(String identity, Map<String, String> entryAttributes) {
            if (rejectsAttributes() && !entryAttributes.isEmpty()) {
                throw new GalleryException("the gallery cannot store attributes, but an entry of " + identity + " has "
                        + entryAttributes.keySet()
                        + "; use a gallery in a database, or drop them (AttributesPolicy.DROP, --drop-attributes)");
            }
        }

        /** Adds an entry to the batch, and enrolls a full one; returns whether it did. */
        boolean add(Enrollment enrollment) {
            batch.add(attributes == AttributesPolicy.DROP ? enrollment.withAttributes(Map.of()) : enrollment);
            if (batch.size() < PAGE) {
                return false;
            }
            flush();
            return true;
        }

        /** Returns the number of entries in the batches so far. */
        long entries() {
            return result.added + result.alreadyThere;
        }

        /** Enrolls the batch. */
        void flush() {
            int added = gallery.enrollMissing(batch).length;
            result = new Result(result.added + added, result.alreadyThere + batch.size() - added);
            batch.clear();
        }
    }
}
