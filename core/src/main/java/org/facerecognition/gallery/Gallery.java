package org.facerecognition.gallery;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * People by name, each with one or several embeddings; answers who a face is, or that it is nobody of them.
 *
 * <pre>{@code
 * try (Gallery gallery = Gallery.open(file, fingerprint, 512)) {
 *     gallery.enroll("Anna", embedding, "anna.jpg");
 *     Outcome outcome = gallery.identify(probe, 5, threshold);
 *     outcome.best().ifPresentOrElse(match -> greet(match.identity()), () -> refuse());
 * }
 * }</pre>
 *
 * <p>The question is an open one: most faces are not in the gallery, so an answer needs a threshold, which belongs to
 * the model and to how many are enrolled. Each entry is one more chance of a false match: if two strangers' faces reach
 * the threshold once in a million times, a stranger is taken for somebody in a gallery of 10,000 about once in a
 * hundred.
 *
 * <p>An identity's cosine is that of its entry nearest to the probe. Cosines are computed in double precision of what
 * is kept in single precision, so that the answer depends neither on the way of searching nor on what else is asked at
 * the same time.
 *
 * <p>Any number of threads may use a gallery. Changes wait for one another; searches and lists wait for nobody, and see
 * the gallery before a change or after it, never in between. A removal also waits for the searches under way, since it
 * erases what they read.
 *
 * <p><b>What a file promises.</b> A change that was acknowledged is there after a loss of power; one that was not is
 * there whole or not at all. Damage is refused with its place. What was removed is erased before the removal is
 * acknowledged: its name, note, content key and embedding are overwritten in the file and in memory, and a saved graph
 * is erased with it. Files are readable by their owner alone (0600, folders that are created 0700) where the file
 * system has POSIX permissions; those of an existing gallery are narrowed when it is opened for writing. Erasing
 * overwrites blocks in place. It does not reach blocks that a copy-on-write file system or a solid-state disk has set
 * aside, snapshots, backups and other copies, and swap space; encrypt the disk where that matters. In memory, names and
 * notes are Java strings, which are released and not overwritten.
 *
 * <p><b>Names</b> that a person cannot tell apart are one name: see {@link #checkName}.
 *
 * <p>Limits: names up to 1,024 bytes of UTF-8, notes 4,096; 2 to 65,536 values; a thousand million entries, removed
 * ones until {@link #compact} included, if there is memory: all embeddings are held there.
 */
public final class Gallery implements AutoCloseable {
    static final int MIN_DIMENSION = 2;
    static final int MAX_DIMENSION = 1 << 16;
    private static final int DEFAULT_WIDTH = 64;
    private static final int MAX_WIDTH = 1 << 16;

    private final String fingerprint;
    private final int dimension;
    private final SearchMethod method;
    private final boolean readOnly;
    private final @Nullable GalleryStore store; // null in memory
    private final Object writing = new Object();
    private final Memory memory = new Memory(this::name);
    private volatile int efSearch = DEFAULT_WIDTH;
    private volatile @Nullable String embeddingMode;
    private long nextEntry = 1; // for whoever holds `writing`

    private Gallery(
            @Nullable GalleryStore store, String fingerprint, int dimension, SearchMethod method, boolean readOnly) {
        this.store = store;
        this.fingerprint = fingerprint;
        this.dimension = dimension;
        this.method = method;
        this.readOnly = readOnly;
    }

    private static void checkDimension(int dimension) {
        if (dimension < MIN_DIMENSION || dimension > MAX_DIMENSION) {
            throw new IllegalArgumentException(
                    "dimension must be 2 to " + MAX_DIMENSION + " values, but was " + dimension);
        }
    }

    // ---- opening ----

    /**
     * Creates a gallery in memory alone.
     *
     * @param fingerprint of the model whose embeddings it will hold
     * @param dimension length of the embeddings
     */
    public static Gallery inMemory(String fingerprint, int dimension) {
        return inMemory(fingerprint, dimension, SearchMethod.EXACT);
    }

    /**
     * Creates a gallery in memory alone.
     *
     * @param fingerprint of the model whose embeddings it will hold
     * @param dimension length of the embeddings
     * @param method of searching
     */
    public static Gallery inMemory(String fingerprint, int dimension, SearchMethod method) {
        checkDimension(dimension);
        Gallery gallery = new Gallery(null, Texts.fingerprint(fingerprint), dimension, method, false);
        gallery.memory.put(new Segment(dimension, method));
        return gallery;
    }

    /**
     * Opens a gallery's file, or creates it, to search every entry.
     *
     * @see #open(Path, String, int, SearchMethod)
     */
    public static Gallery open(Path file, String fingerprint, int dimension) {
        return open(file, fingerprint, dimension, SearchMethod.EXACT);
    }

    /**
     * Opens a gallery's file, or creates it. What a process that was killed, or a machine that lost power, has left
     * half written at its end is erased and cut off: it was acknowledged to nobody. An erasure that was under way is
     * finished. A file of an earlier version of the format is rewritten in today's, without what was removed from it.
     *
     * <p>A file {@code NAME.lock} beside it keeps others from writing while the gallery is open, by whatever path they
     * come. A file with several hard links is refused, as it could be written under two names at once. With {@link
     * SearchMethod#HNSW} the graph is kept in {@code NAME.hnsw} when the gallery is closed and nothing was removed
     * since it was opened or compacted; else the next opening builds it anew. Both may be deleted when nobody has the
     * gallery open.
     *
     * @param fingerprint of the model whose embeddings it holds: those of two models cannot be compared
     * @param dimension length of the embeddings
     * @param method of searching
     * @throws GalleryException when it cannot be read or written, is damaged, is another model's, or is open already
     */
    public static Gallery open(Path file, String fingerprint, int dimension, SearchMethod method) {
        return open(file, fingerprint, dimension, method, LogFile::open);
    }

    /** @param opener of the file that batches are written to */
    static Gallery open(Path file, String fingerprint, int dimension, SearchMethod method, LogFile.Opener opener) {
        checkDimension(dimension);
        String checked = Texts.fingerprint(fingerprint);
        GalleryStore store = GalleryStore.forWriting(file, checked, dimension, opener);
        return load(new Gallery(store, checked, dimension, method, false), store);
    }

    /**
     * Reads a gallery's file as it is now, without being in the way of whoever writes to it. Changes are refused, and
     * those of others are not seen.
     *
     * @throws GalleryException when it cannot be read, is damaged or is another model's
     */
    public static Gallery openReadOnly(Path file, String fingerprint, int dimension, SearchMethod method) {
        checkDimension(dimension);
        String checked = Texts.fingerprint(fingerprint);
        GalleryStore store = GalleryStore.forReading(file, checked, dimension);
        return load(new Gallery(store, checked, dimension, method, true), store);
    }

    private static Gallery load(Gallery gallery, GalleryStore store) {
        @Nullable Segment loaded = null;
        try {
            loaded = store.load(gallery.method);
            gallery.embeddingMode = store.embeddingMode();
            gallery.nextEntry = store.nextEntry();
            if (!gallery.readOnly && store.isFormer()) {
                Segment former = loaded;
                loaded = gallery.rewritten(former, store.embeddingMode());
                former.close();
            }
            gallery.memory.put(loaded);
            return gallery;
        } catch (RuntimeException | Error e) {
            if (loaded != null) {
                loaded.close();
            }
            store.close();
            throw e;
        }
    }

    /**
     * Reads which model a gallery's file is for: only the beginning is read.
     *
     * @throws GalleryException when it cannot be read or is damaged there
     */
    public static GalleryInfo info(Path file) {
        LogHeader header = LogReader.header(file);
        return new GalleryInfo(header.fingerprint(), header.dimension(), header.embeddingMode());
    }

    // ---- changing ----

    /**
     * The form in which a name is kept when it is the first of its kind: composed (NFC), with single spaces, none at
     * its ends, and without signs that are not shown.
     *
     * <p>Names that a person cannot tell apart are one identity, under the form that was enrolled first; every form
     * finds it. These are names that differ in capital and small letters, in kinds and numbers of spaces, in signs that
     * are not shown, in compatibility forms (full width, ligatures), in kinds of hyphens and apostrophes, or in letters
     * of the Latin, Greek and Cyrillic scripts that look the same.
     *
     * @throws IllegalArgumentException when it is empty or too long; holds control characters, line breaks or signs
     *     that turn the direction of text; or holds U+FFFD or half a surrogate pair, which stand for characters that
     *     could not be read
     */
    public static String checkName(String name) {
        return Names.checked(name);
    }

    /** Whether two names are one: a person cannot tell them apart; see {@link #checkName}. */
    public static boolean isSameName(String name, String other) {
        return Names.key(name).equals(Names.key(other));
    }

    /**
     * Enrolls an embedding; an identity may have several.
     *
     * @param identity name of the person; see {@link #checkName}
     * @param embedding of any norm but zero; copied
     * @return the entry's id
     * @throws IllegalArgumentException when the name is refused, or the embedding is zero, not finite or of the wrong
     *     number of values
     * @throws GalleryException when the file cannot be written; nothing is enrolled then
     */
    public long enroll(String identity, float[] embedding) {
        return enroll(identity, embedding, null);
    }

    /**
     * Enrolls an embedding with a note of where it comes from; as {@link #enroll(String, float[])}.
     *
     * @param note up to 4,096 bytes of UTF-8
     * @return the entry's id
     */
    public long enroll(String identity, float[] embedding, @Nullable String note) {
        return enroll(List.of(new Enrollment(identity, embedding, note)))[0];
    }

    /**
     * Enrolls many, which is faster than one after the other: the disk has to confirm only once. All are checked first.
     * Should the process be killed meanwhile, all are there at the next opening or none.
     *
     * @return the entries' ids, in order
     * @throws IllegalArgumentException when one of them cannot be enrolled; none is then
     * @throws GalleryException when the file cannot be written; nothing is enrolled then
     */
    public long[] enroll(List<Enrollment> enrollments) {
        List<LogRecord.Enrolled> records = new ArrayList<>(enrollments.size());
        for (Enrollment enrollment : enrollments) {
            String identity = Names.checked(enrollment.identity());
            float[] unit = UnitVector.of(enrollment.embedding(), dimension, "embedding of " + identity);
            String note = Texts.note(enrollment.note());
            records.add(new LogRecord.Enrolled(0, identity, note, Texts.contentKey(enrollment.contentKey()), unit));
        }
        synchronized (writing) {
            Segment shelf = toChange().shelf();
            int first = shelf.rows().count();
            if (records.size() > Rows.MAX - first) {
                throw new IllegalArgumentException("a gallery must have at most " + Rows.MAX + " entries, but has "
                        + first + " with those removed and is to get " + records.size() + " more; compact it");
            }
            shelf.vectors().reserve(first + records.size()); // whatever fails must fail before it is on the disk
            long[] ids = number(records, shelf.rows());
            if (store != null) {
                store.enroll(records);
            }
            nextEntry += ids.length;
            records.forEach(shelf::add);
            shelf.indexFrom(first);
            memory.publish();
            return ids;
        }
    }

    /** Gives each entry its number, and its name in the form that was enrolled first. */
    private long[] number(List<LogRecord.Enrolled> records, Rows rows) {
        long[] ids = new long[records.size()];
        Map<String, String> shown = new HashMap<>();
        for (int i = 0; i < ids.length; i++) {
            ids[i] = nextEntry + i;
            LogRecord.Enrolled r = records.get(i);
            String name = shown.computeIfAbsent(Names.key(r.identity()), key -> rows.shown(r.identity()));
            records.set(i, new LogRecord.Enrolled(ids[i], name, r.note(), r.contentKey(), r.unit()));
        }
        return ids;
    }

    /**
     * Removes an identity with all its entries, and erases them: when this returns, nothing of them is left in the file
     * and in memory; see the class.
     *
     * @param identity its name, in any form that a person cannot tell from it
     * @return how many entries it had
     * @throws IllegalArgumentException when the name could not be read; see {@link #checkName}
     * @throws GalleryException when the file cannot be written; the message says whether they are removed
     */
    public int remove(String identity) {
        Names.checkReadable(identity);
        synchronized (writing) {
            Memory.State state = toChange();
            int[] rows = state.shelf().rows().of(identity);
            remove(state, rows);
            return rows.length;
        }
    }

    /**
     * Removes an entry, and erases it as {@link #remove(String)} does; an identity that has no other is gone with it.
     *
     * @return whether it was there
     * @throws GalleryException when the file cannot be written; the message says whether it is removed
     */
    public boolean remove(long entry) {
        synchronized (writing) {
            Memory.State state = toChange();
            int row = state.view().row(entry);
            if (row >= 0) {
                remove(state, new int[] {row});
            }
            return row >= 0;
        }
    }

    private void remove(Memory.State state, int[] rows) {
        if (rows.length == 0) {
            return;
        }
        long[] entries = Arrays.stream(rows)
                .mapToLong(row -> state.view().entries()[row])
                .sorted()
                .toArray();
        List<LogRecord.Removal> removals = store == null ? List.of() : store.remove(entries);
        try {
            memory.remove(rows);
        } finally { // whatever happens in memory, what is removed for good must leave the disk
            if (store != null) {
                store.erase(removals);
            }
        }
    }

    /**
     * Rewrites file and memory without the room that removed entries took, and overwrites the former file. Searches go
     * on meanwhile; so long the memory is needed twice, and with {@link SearchMethod#HNSW} the graph is built anew.
     *
     * @throws GalleryException when the file cannot be written; all is as it was then
     */
    public void compact() {
        synchronized (writing) {
            memory.put(rewritten(toChange().shelf(), embeddingMode));
        }
    }

    /** A shelf without removed rows, with which the file has been rewritten; the former one is left as it is. */
    private Segment rewritten(Segment former, @Nullable String mode) {
        Segment shelf = compacted(former);
        try {
            if (store != null) {
                store.rewrite(shelf, mode);
            }
            return shelf;
        } catch (RuntimeException | Error e) {
            shelf.close();
            throw e;
        }
    }

    private Segment compacted(Segment former) {
        Rows.View view = former.rows().view();
        int[] live = view.liveRows();
        Segment shelf = new Segment(dimension, method);
        try {
            shelf.vectors().reserve(live.length);
            for (int row : live) {
                shelf.add(former.record(view, row));
            }
            shelf.indexFrom(0);
            return shelf;
        } catch (RuntimeException | Error e) {
            shelf.close();
            throw e;
        }
    }

    /**
     * How images became the embeddings that are here, for example the crop, the detector and whether mirror images
     * count too; empty where nobody has said it. The gallery only compares it.
     */
    public Optional<String> embeddingMode() {
        return Optional.ofNullable(embeddingMode);
    }

    /**
     * Binds the gallery to a mode of making embeddings, since those of two modes cannot be compared well. The first
     * mode is recorded in the file, which is rewritten for it; when this returns it is on the disk. The same mode again
     * changes nothing. A gallery that is open for reading and has no mode accepts any, and records none.
     *
     * @param mode up to 1,024 bytes of UTF-8
     * @throws IllegalArgumentException when it is empty or too long
     * @throws GalleryException when the gallery has another mode, or the file cannot be written
     */
    public void bindEmbeddingMode(String mode) {
        String checked = Texts.embeddingMode(mode);
        synchronized (writing) {
            Segment shelf = memory.state().shelf();
            String bound = embeddingMode;
            if (bound != null && !bound.equals(checked)) {
                throw new GalleryException(name() + " holds embeddings made in the mode \"" + bound
                        + "\", which cannot be compared with those of \"" + checked
                        + "\"; use the options that it was made with, or enroll the images anew into another file");
            }
            if (bound == null && !readOnly) {
                if (store != null) {
                    store.rewrite(shelf, checked);
                }
                embeddingMode = checked;
            }
        }
    }

    /** Holding {@code writing}. */
    private Memory.State toChange() {
        if (readOnly) {
            throw new IllegalStateException(name() + " is open for reading; open it for writing to change it");
        }
        return memory.state();
    }

    // ---- asking ----

    /**
     * Sets how widely is searched ({@link SearchMethod#HNSW} and {@link SearchMethod#CODES}; it changes nothing in an
     * exact search): the neighbors held on the way, the field's efSearch. More finds the nearest more often, and takes
     * longer.
     *
     * @param width 1 to 65,536; 64 by default
     */
    public void setSearchWidth(int width) {
        if (width < 1 || width > MAX_WIDTH) {
            throw new IllegalArgumentException("search width must be 1 to " + MAX_WIDTH + ", but was " + width);
        }
        this.efSearch = width;
    }

    /**
     * Tells who this is.
     *
     * @param probe an embedding of the gallery's model, of any norm but zero
     * @param topK most identities to name; more than there are is all of them
     * @param threshold cosine at or above which two faces count as one person's: -1 to the next number above 1, which
     *     no cosine reaches
     * @return the identities that reach the threshold, or that none does
     * @throws IllegalArgumentException when the probe is zero, not finite or of the wrong number of values, {@code
     *     topK} is below 1 or the threshold is out of its range
     */
    public Outcome identify(float[] probe, int topK, double threshold) {
        return identify(List.of(probe), topK, threshold).get(0);
    }

    /**
     * Tells who these are, each by itself; faster than one after the other, as all share one reading of the gallery.
     *
     * @return for each probe in order what {@link #identify(float[], int, double)} says, of one state of the gallery
     */
    public List<Outcome> identify(List<float[]> probes, int topK, double threshold) {
        if (topK < 1) {
            throw new IllegalArgumentException("topK must be at least 1, but was " + topK);
        }
        if (!(threshold >= -1 && threshold <= Math.nextUp(1.0))) {
            throw new IllegalArgumentException("threshold must be a cosine in [-1, 1], but was " + threshold);
        }
        List<float[]> units = probes.stream()
                .map(probe -> UnitVector.of(probe, dimension, "probe"))
                .toList();
        return memory.reading(state -> state.shelf().index().nearest(units, state.view(), topK, efSearch).stream()
                .map(hits -> outcome(hits.stream().map(state.view()::match).toList(), threshold))
                .toList());
    }

    private static Outcome outcome(List<Match> nearest, double threshold) {
        List<Match> matches =
                nearest.stream().filter(match -> match.cosine() >= threshold).toList();
        return matches.isEmpty() ? new Outcome.Unknown(nearest.stream().findFirst()) : new Outcome.Known(matches);
    }

    /** How many entries there are. */
    public int size() {
        return memory.state().view().live();
    }

    /** The names and how many entries each has, in the order of the names. */
    public Map<String, Integer> identities() {
        Map<String, Integer> counts = new TreeMap<>();
        for (Entry entry : entries()) {
            counts.merge(entry.identity(), 1, Integer::sum);
        }
        return counts;
    }

    /** All entries, in the order of enrollment. */
    public List<Entry> entries() {
        return memory.reading(state -> Arrays.stream(state.view().liveRows())
                .mapToObj(state.view()::entry)
                .toList());
    }

    /** An entry; empty where there is no such entry. */
    public Optional<Entry> entry(long id) {
        return memory.reading(state -> row(state, id).map(state.view()::entry));
    }

    /** An entry's embedding, L2-normalized; empty where there is no such entry. */
    public Optional<float[]> embedding(long entry) {
        return memory.reading(state -> row(state, entry).map(state.shelf().vectors()::get));
    }

    private static Optional<Integer> row(Memory.State state, long entry) {
        int row = state.view().row(entry);
        return row < 0 ? Optional.empty() : Optional.of(row);
    }

    /** The fingerprint of the model whose embeddings it holds. */
    public String fingerprint() {
        return fingerprint;
    }

    /** The length of the embeddings. */
    public int dimension() {
        return dimension;
    }

    /**
     * How many bytes at the file's end were cut off when it was opened, of a change that was never committed; mostly 0.
     */
    public long tornBytes() {
        return store == null ? 0 : store.tornBytes();
    }

    /** Waits for searches under way, frees the memory and lets others open the file. A second time does nothing. */
    @Override
    public void close() {
        synchronized (writing) {
            try {
                memory.close(shelf -> {
                    if (store != null) {
                        store.keepGraph(shelf);
                    }
                });
            } finally {
                if (store != null) {
                    store.close();
                }
            }
        }
    }

    private String name() {
        return "gallery " + (store == null ? "in memory" : store.file());
    }

    @Override
    public String toString() {
        Memory.State state = memory.stateOrNull();
        return "Gallery " + (store == null ? "in memory" : store.file()) + ": "
                + (state == null
                        ? "closed"
                        : state.view().live() + " entries of " + state.view().liveGroups() + " people");
    }
}
