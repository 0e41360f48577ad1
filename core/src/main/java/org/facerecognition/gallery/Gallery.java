package org.facerecognition.gallery;

import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/**
 * A gallery of enrolled people: named identities with one or several embeddings each. It performs open-set
 * identification: it answers who a probe is, or that the probe is unknown.
 *
 * <pre>{@code
 * try (Gallery gallery = Gallery.open(file, fingerprint, 512)) {
 *     gallery.enroll("Anna", embedding, "anna.jpg");
 *     Outcome outcome = gallery.identify(probe, 5, threshold);
 *     outcome.best().ifPresentOrElse(match -> greet(match.identity()), () -> refuse());
 * }
 * }</pre>
 *
 * <p>Most faces are not in the gallery, so an answer needs a threshold, which depends on the model and on the number of
 * entries. Each entry is one more chance of a false match: if the faces of two different people reach the threshold
 * once in a million comparisons, about one in a hundred non-mated probes is falsely matched in a gallery of 10,000.
 *
 * <p>The score of an identity is the cosine of its entry nearest to the probe. Embeddings are stored in single
 * precision and cosines are computed from them in double precision, so that the answer depends neither on the order in
 * which a search adds up products nor on the other probes of the same call.
 *
 * <p>Galleries are thread-safe. Searches and listings never wait, and see the gallery either before or after a change,
 * never in between. There are two kinds:
 *
 * <ul>
 *   <li>{@link #open}: a file with one writer at a time, all of which is held in memory, or only what a search needs if
 *       it is opened with {@link SearchMethod#ON_DISK}; {@link #inMemory} is the same without a file.
 *   <li>{@link #connect}: tables in PostgreSQL with pgvector, which many servers change and search at once; see {@link
 *       DatabaseGallery} for its guarantees.
 * </ul>
 *
 * <p><b>Guarantees of a file.</b> An acknowledged change survives a power failure; a change that was not acknowledged
 * is applied entirely or not at all. Changes wait for one another; a removal also waits for the searches in progress,
 * because it erases the memory that they read. A damaged file is rejected with the position of the damage. Removed
 * entries are erased before the removal is acknowledged: name, note, content key and embedding are overwritten in the
 * file and in memory, a saved graph is erased with them, and what a saved index has of them is overwritten. Only the
 * owner can read the files (mode 0600, created folders 0700) where the file system has POSIX permissions; the
 * permissions of an existing gallery are narrowed when it is opened for writing. Erasure overwrites blocks in place. It
 * does not reach blocks that a copy-on-write file system or a solid-state disk has set aside, snapshots, backups and
 * other copies, or swap space; encrypt the disk where that matters. Java strings are released but not overwritten.
 *
 * <p><b>Names</b> that people cannot tell apart are one name; see {@link #checkName}.
 *
 * <p>Limits: names of up to 1,024 bytes of UTF-8, notes of up to 4,096; embeddings of 2 to 65,536 values; 2^30 entries,
 * including removed ones until {@link #compact}, if memory suffices.
 */
/*
 * Long because it is the facade: the ways to open a gallery and one method for each use, with their documentation.
 */
public interface Gallery extends AutoCloseable {
    // ---- opening ----

    /**
     * Creates a gallery without a file, which is searched exactly.
     *
     * @param fingerprint identifies the model that computes the embeddings
     * @param dimension number of values of an embedding
     */
    static Gallery inMemory(String fingerprint, int dimension) {
        return inMemory(fingerprint, dimension, SearchMethod.EXACT);
    }

    /**
     * Creates a gallery without a file.
     *
     * @param fingerprint identifies the model that computes the embeddings
     * @param dimension number of values of an embedding
     * @param method how the gallery is searched
     */
    static Gallery inMemory(String fingerprint, int dimension, SearchMethod method) {
        return FileGallery.inMemory(fingerprint, dimension, method);
    }

    /**
     * Opens or creates a gallery's file, which is searched exactly.
     *
     * @see #open(Path, String, int, SearchMethod)
     */
    static Gallery open(Path file, String fingerprint, int dimension) {
        return open(file, fingerprint, dimension, SearchMethod.EXACT);
    }

    /**
     * Opens or creates a gallery's file. An incomplete change at the end of the file, left by a killed process or a
     * power failure, was never acknowledged; it is erased and cut off. An interrupted erasure is completed. A file in
     * an earlier version of the format is rewritten in the current version, without the entries that were removed. A
     * file without entries takes another model.
     *
     * <p>A file {@code NAME.lock} beside it keeps other writers out while the gallery is open, whatever path they use.
     * A file with several hard links is rejected, because it could be written under two names at once; a file that
     * another program changes meanwhile accepts no more changes. With {@link SearchMethod#HNSW}, closing the gallery
     * saves the graph to {@code NAME.hnsw} if nothing was removed since it was opened or compacted; otherwise the next
     * opening rebuilds it. With {@link SearchMethod#ON_DISK}, closing saves an index to {@code NAME.index}; without it,
     * the next opening reads the whole file. These files may be deleted while the gallery is not open.
     *
     * @param fingerprint identifies the model that computes the embeddings; embeddings of two models cannot be compared
     * @param dimension number of values of an embedding
     * @param method how the gallery is searched
     * @throws GalleryException if the file cannot be read or written, is damaged, has entries of another model, or is
     *     already open for writing
     */
    static Gallery open(Path file, String fingerprint, int dimension, SearchMethod method) {
        return FileGallery.open(file, fingerprint, dimension, method, LogFile::open);
    }

    /**
     * Opens a snapshot of a gallery's file for reading, without blocking a writer. The gallery cannot be changed, and
     * later changes by others are not seen. With {@link SearchMethod#ON_DISK}, entries that a writer erases are no
     * longer found, and once it has compacted the file, searches throw a {@link GalleryException}.
     *
     * @throws GalleryException if the file cannot be read, is damaged, or has entries of another model
     */
    static Gallery openReadOnly(Path file, String fingerprint, int dimension, SearchMethod method) {
        return FileGallery.openReadOnly(file, fingerprint, dimension, method);
    }

    /**
     * Reads which model a gallery's file belongs to. Only the header of the file is read.
     *
     * @throws GalleryException if the header cannot be read or is damaged
     */
    static GalleryInfo info(Path file) {
        return GalleryLoader.info(file);
    }

    /**
     * Opens or creates a gallery in a PostgreSQL database with pgvector, and makes the tables if there are none. Small
     * galleries are searched exactly, and large ones by an index; see {@link DatabaseGallery}.
     *
     * @see #connect(DataSource, String, String, int, SearchMethod)
     */
    static DatabaseGallery connect(DataSource dataSource, String name, String fingerprint, int dimension) {
        return connect(dataSource, name, fingerprint, dimension, SearchMethod.HNSW);
    }

    /**
     * Opens or creates a gallery in a PostgreSQL database with pgvector. Makes the tables if there are none, and
     * changes those of an earlier version; any number of servers may do so at once. The driver of the database must be
     * on the class path; it is not part of this library.
     *
     * @param dataSource borrowed
     * @param name of the gallery in the database: 1 to 63 letters (A to Z), digits, dots, hyphens and underscores
     * @param fingerprint identifies the model that computes the embeddings; embeddings of two models cannot be compared
     * @param dimension number of values of an embedding, up to 16,000
     * @param method {@link SearchMethod#EXACT}; or {@link SearchMethod#HNSW}, which searches small galleries, and
     *     embeddings of more than 4,000 values, exactly
     * @throws IllegalArgumentException if the name, the dimension or the method is rejected
     * @throws GalleryException if the database cannot be used, or the gallery has entries of another model
     */
    static DatabaseGallery connect(
            DataSource dataSource, String name, String fingerprint, int dimension, SearchMethod method) {
        return PostgresGallery.connect(dataSource, name, fingerprint, dimension, method);
    }

    /**
     * Opens a gallery in a database for reading. Unlike {@link #openReadOnly}, it sees later changes by others. Nothing
     * is created or changed in the database. A gallery without entries can be read with every model, until it has some.
     *
     * @throws GalleryException if there is no such gallery, it cannot be read, or it has entries of another model
     */
    static DatabaseGallery connectReadOnly(DataSource dataSource, String name, String fingerprint, int dimension) {
        return PostgresGallery.connectReadOnly(dataSource, name, fingerprint, dimension);
    }

    /**
     * Reads which model a gallery in a database belongs to.
     *
     * @throws GalleryException if there is no such gallery, or it cannot be read
     */
    static GalleryInfo info(DataSource dataSource, String name) {
        return PostgresGallery.info(dataSource, name);
    }

    // ---- changing ----

    /**
     * Returns the form in which a new name is stored: composed (NFC), with single spaces, without leading or trailing
     * spaces, and without invisible characters.
     *
     * <p>Names that people cannot tell apart are one identity, stored in the form that was enrolled first and found by
     * every form. Such names differ only in upper and lower case, in kinds and numbers of spaces, in invisible
     * characters, in compatibility forms (full width, ligatures), in kinds of hyphens and apostrophes, or in letters of
     * the Latin, Greek and Cyrillic scripts that look alike.
     *
     * @throws IllegalArgumentException if the name is empty or too long; contains control characters, line breaks or
     *     bidirectional controls; or contains U+FFFD or an unpaired surrogate, which stand for characters that could
     *     not be read
     */
    static String checkName(String name) {
        return Names.checked(name);
    }

    /**
     * Returns a name of an entry, which an earlier version may have stored in a form that is rejected today, in a form
     * that can be enrolled: with spaces in place of control characters. People cannot tell the two apart.
     */
    static String upgradedName(String name) {
        return Names.upgraded(name);
    }

    /** Returns whether people cannot tell two names apart, so that they are one identity; see {@link #checkName}. */
    static boolean isSameName(String name, String other) {
        return Names.key(name).equals(Names.key(other));
    }

    /**
     * Enrolls an embedding. An identity may have several.
     *
     * @param identity name of the person; see {@link #checkName}
     * @param embedding of any nonzero norm; copied
     * @return the id of the new entry
     * @throws IllegalArgumentException if the name is rejected, or the embedding is zero, not finite, or has the wrong
     *     number of values
     * @throws GalleryException if the file or database cannot be written; nothing is enrolled in this case, unless the
     *     message says that this is not known
     */
    default long enroll(String identity, float[] embedding) {
        return enroll(identity, embedding, null);
    }

    /**
     * Enrolls an embedding with a note about its origin, like {@link #enroll(String, float[])}.
     *
     * @param note up to 4,096 bytes of UTF-8
     * @return the id of the new entry
     */
    default long enroll(String identity, float[] embedding, @Nullable String note) {
        return enroll(List.of(new Enrollment(identity, embedding, note)))[0];
    }

    /**
     * Enrolls several embeddings as one change, which is faster than one after the other because the disk has to
     * confirm only once. All of them are checked first. If the process is killed in between, either all of them are
     * enrolled or none.
     *
     * @return the ids of the new entries, in order
     * @throws IllegalArgumentException if one of them cannot be enrolled; none is enrolled in this case
     * @throws GalleryException if the file or database cannot be written; none is enrolled in this case, unless the
     *     message says that this is not known
     */
    long[] enroll(List<Enrollment> enrollments);

    /**
     * Enrolls the embeddings that the gallery does not have yet, as one change like {@link #enroll(List)}. So a batch
     * can be enrolled again if it is not known whether it was enrolled. An entry is the same if its identity, note,
     * content key and every value of its L2-normalized embedding are; attributes are not compared.
     *
     * @return the ids of the new entries, in order
     */
    long[] enrollMissing(List<Enrollment> enrollments);

    /**
     * Enrolls the images that the gallery does not have yet, as one change like {@link #enroll(List)}. Images are the
     * same if their content keys are; those without one are always enrolled. If several programs enroll an image in a
     * database at once, one of them does.
     *
     * @param uniqueIn whether an image that is enrolled under another name is there
     * @return the ids of the new entries, in the order of the enrollments, with 0 for the images that are there
     */
    long[] enrollNewImages(List<Enrollment> enrollments, UniqueIn uniqueIn);

    /**
     * Removes an identity with all its entries and erases them: when this method returns, nothing of them is left in
     * the file or in memory; the documentation of this type and of {@link DatabaseGallery} has the details.
     *
     * @param identity the name, in any form that people cannot tell apart from it
     * @return the number of entries removed
     * @throws IllegalArgumentException if the name contains unreadable characters; see {@link #checkName}
     * @throws GalleryException if the file or database cannot be written; the message says whether the entries are
     *     removed
     */
    int remove(String identity);

    /**
     * Removes an entry and erases it, like {@link #remove(String)}. An identity disappears with its last entry.
     *
     * @return whether the entry existed
     * @throws GalleryException if the file or database cannot be written; the message says whether the entry is removed
     */
    boolean remove(long entry);

    /**
     * Rewrites the file without the space that removed entries occupied, and overwrites the old file; the memory too
     * (with ON_DISK only if most are removed). Searches continue meanwhile, which needs the memory twice; a graph is
     * rebuilt. In a database, rewrites the gallery's tables and index, for which searches wait.
     *
     * @throws GalleryException if the file or database cannot be written; the gallery is unchanged in this case
     */
    void compact();

    /**
     * Returns how images were turned into this gallery's embeddings, for example the crop, the detector and whether
     * embeddings of mirror images are averaged in; empty if no mode was bound. The gallery only compares this text.
     */
    Optional<String> embeddingMode();

    /**
     * Binds the gallery to an embedding mode, because embeddings of two modes cannot be compared well. If no mode was
     * bound, or there are no entries, it is recorded in the file, which is rewritten for it, or in the database; it is
     * on the disk when this method returns. Binding the same mode again has no effect. A read-only gallery without a
     * mode, or without entries, accepts any mode and records none.
     *
     * @param mode up to 1,024 bytes of UTF-8
     * @throws IllegalArgumentException if the mode is empty or too long
     * @throws GalleryException if the gallery has entries of another mode, or the file or database cannot be written
     */
    void bindEmbeddingMode(String mode);

    // ---- searching and listing ----

    /**
     * Sets efSearch, the number of candidates that approximate searches keep. Exact searches ignore it. Higher values
     * find the nearest entry more often but take longer.
     *
     * @param efSearch 1 to 65,536; 64 by default
     */
    void setEfSearch(int efSearch);

    /**
     * Identifies a probe.
     *
     * @param probe an embedding of the gallery's model, of any nonzero norm
     * @param topK largest number of identities to return; may exceed the number of identities in the gallery
     * @param threshold cosine at or above which two faces count as the same person, from -1 to {@code
     *     Math.nextUp(1.0)}, which no cosine reaches
     * @return the identities that reach the threshold, or that the probe is unknown
     * @throws IllegalArgumentException if the probe is zero, not finite, or has the wrong number of values; if {@code
     *     topK} is below 1; or if the threshold is out of range
     */
    default Outcome identify(float[] probe, int topK, double threshold) {
        return identify(List.of(probe), topK, threshold).get(0);
    }

    /**
     * Identifies several probes independently of each other, which is faster than one after the other because they
     * share one pass over the gallery.
     *
     * @return for each probe, in order, the result of {@link #identify(float[], int, double)}, all from the same state
     *     of the gallery
     */
    List<Outcome> identify(List<float[]> probes, int topK, double threshold);

    /** Returns the number of entries. */
    int size();

    /** Returns the number of identities. */
    int identityCount();

    /** Returns the number of entries of each name, sorted by name. */
    default Map<String, Integer> identities() {
        Map<String, Integer> counts = new TreeMap<>();
        for (Entry entry : entries()) {
            counts.merge(entry.identity(), 1, Integer::sum);
        }
        return counts;
    }

    /** Returns all entries, in the order of enrollment; {@link #page} reads very many in parts. */
    List<Entry> entries();

    /**
     * Returns entries with their embeddings, in the order of enrollment: the first ones after an entry. With the id of
     * the last one returned as the next {@code after}, this reads a gallery of any size in parts. In a database, an
     * entry that another server enrolls at the same time may be left out.
     *
     * @param after an id, of an entry or not; 0 for the first part
     * @param limit at least 1
     */
    List<StoredEntry> page(long after, int limit);

    /** Returns the entries that were enrolled last, the newest first, and at most so many. */
    List<Entry> newest(int limit);

    /** Returns the entries with one of these content keys, in the order of enrollment. */
    List<Entry> withContentKeys(Collection<String> contentKeys);

    /** Returns the entries without a content key, in the order of enrollment. */
    List<Entry> withoutContentKey();

    /** Returns the entries without a content key that have one of these notes, in the order of enrollment. */
    List<Entry> withoutContentKey(Collection<String> notes);

    /** Returns the entry with an id; empty if there is none. */
    Optional<Entry> entry(long id);

    /** Returns the L2-normalized embedding of the entry with an id; empty if there is none. */
    Optional<float[]> embedding(long entry);

    /** Returns the fingerprint of the model that computes the embeddings. */
    String fingerprint();

    /** Returns the number of values of an embedding. */
    int dimension();

    /**
     * Returns how many bytes of a change that was not committed were at the end of the file when it was opened: of one
     * that a killed process left, which opening for writing has cut off; or, in a gallery that is open for reading, of
     * one that another process may just have been writing. Usually 0, and always 0 without a file.
     */
    long tornBytes();

    /**
     * Waits for searches in progress, frees the memory and releases the file; the connections of a database stay with
     * its data source. Closing twice has no effect.
     */
    @Override
    void close();
}
