package org.facerecognition.gallery;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;

/**
 * A gallery in PostgreSQL with pgvector, which any number of servers change and search at once. {@link Gallery#connect}
 * opens one.
 *
 * <p><b>Tables.</b> All galleries of a database lie in the tables {@code face_gallery}, {@code face_gallery_person},
 * {@code face_gallery_entry} and {@code face_gallery_change} of the first schema of the connection's search path that
 * has them. If none has, the first server makes them in the first schema; later versions of this library change them in
 * numbered steps. The schema of the extension must be in the search path too. Applications may read the tables, and may
 * write the column {@code attributes} of {@code face_gallery_entry}.
 *
 * <p><b>Changes.</b> Each call of {@code enroll} or {@code remove} is one transaction. Enrollments do not wait for
 * one another, except those that look for entries first ({@link #enrollMissing}, {@link #enrollNewImages}), which
 * wait for all changes before them, as removals do. If a connection breaks, the call is repeated on another one, for
 * 10 seconds and at least 4 times; keys in {@code face_gallery_change} make sure that a change whose acknowledgment
 * was lost is not applied twice.
 *
 * <p><b>Model.</b> A gallery without entries takes another model or embedding mode, whoever has it open. It gets new
 * tables then, for which enrollments in all galleries of the schema wait, and every later call of those who have it
 * open throws a {@link GalleryException}, until they open it again.
 *
 * <p><b>Search.</b> Galleries of up to 5,000 entries are searched exactly. Larger ones get an HNSW index on the
 * embeddings in half precision, which chooses candidates ({@link #setEfSearch} says how many); their cosines are
 * computed from the embeddings in single precision, and are equal to those of a gallery in a file. A search for which
 * the index has fewer than {@code topK} identities is repeated exactly. {@link SearchMethod#EXACT} never uses the
 * index.
 *
 * <p><b>Erasure.</b> A removed entry is deleted before the removal is acknowledged, and no later query of any server
 * finds it. PostgreSQL keeps deleted rows in its files until it vacuums them; {@link #compact} rewrites the gallery's
 * tables and index without them ({@code VACUUM FULL}), during which other calls wait, and throws a
 * {@link GalleryException} if older transactions keep them nevertheless. The write-ahead log, replicas and backups are
 * the database's.
 *
 * <p><b>Limits.</b> pgvector 0.8 or later, a database in UTF-8; embeddings of 2 to 16,000 values, an index for up to
 * 4,000; texts without U+0000.
 *
 * <p>The data source is borrowed: closing a gallery does not close it. A pool of connections makes calls faster,
 * because each call takes a connection and gives it back. The beginning of a transaction must be answered within 20
 * seconds unless the data source sets a network timeout; other timeouts of connections that hang are the data source's.
 */
public interface DatabaseGallery extends Gallery {
    /**
     * Enrolls several embeddings as one change, like {@link #enroll(List)}, at most once: if a batch with this key was
     * enrolled in the last 7 days, by this or another process, nothing is enrolled. So a program that does not know
     * whether a batch was acknowledged, because it was killed or the database could not be reached, may enroll it
     * again.
     *
     * @param key chosen by the caller, at random or computed from what the batch is made of; not used for anything else
     * @return the ids of the entries, in order, which may have been removed since
     * @throws IllegalArgumentException if the key was used for a batch of another size, or for another gallery
     */
    long[] enroll(List<Enrollment> enrollments, UUID key);

    /**
     * Makes the index if the gallery is large enough for one and has none, which enrollments also do. Making it once
     * after all is faster than adding to it: connect with {@link SearchMethod#EXACT} to enroll millions, and with
     * {@link SearchMethod#HNSW} to make the index. Enrollments wait in the meantime.
     *
     * @throws GalleryException if the database cannot be changed
     */
    void makeIndex();

    /**
     * Identifies a probe among the entries that have all these attributes.
     *
     * @param attributes names and values; empty for all entries
     * @see #identify(float[], int, double)
     */
    default Outcome identify(float[] probe, int topK, double threshold, Map<String, String> attributes) {
        return identify(List.of(probe), topK, threshold, attributes).get(0);
    }

    /**
     * Identifies several probes among the entries that have all these attributes.
     *
     * @param attributes names and values; empty for all entries
     * @see #identify(List, int, double)
     */
    List<Outcome> identify(List<float[]> probes, int topK, double threshold, Map<String, String> attributes);

    /** Returns the attributes of an entry; empty if there is no such entry. */
    Optional<Map<String, String>> attributes(long entry);

    /**
     * Replaces the attributes of an entry.
     *
     * @param attributes as in {@link Enrollment#attributes}
     * @return whether the entry exists
     * @throws GalleryException if the database cannot be changed
     */
    boolean setAttributes(long entry, Map<String, String> attributes);
}
