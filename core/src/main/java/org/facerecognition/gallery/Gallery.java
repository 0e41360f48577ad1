package org.facerecognition.gallery;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.UUID;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.facerecognition.io.AtomicFile;
import org.facerecognition.io.LockedException;
import org.facerecognition.io.WriterLock;
import org.jspecify.annotations.Nullable;

/**
 * People by name, each with one or several embeddings; answers who a face is, or that it is nobody of them.
 *
 * <pre>{@code
 * try (Gallery gallery = Gallery.open(file, fingerprint, 512)) {
 *     gallery.enrol("Anna", embedding, "anna.jpg");
 *     Outcome outcome = gallery.identify(probe, 5, threshold);
 *     outcome.best().ifPresentOrElse(match -> greet(match.identity()), () -> refuse());
 * }
 * }</pre>
 *
 * <p>The question is an open one: most faces are not in the gallery, so an answer needs a threshold, which belongs to the
 * model and to how many are enrolled. Each entry is one more chance of a false match: if two strangers' faces reach the
 * threshold once in a million times, a stranger is taken for somebody in a gallery of 10,000 about once in a hundred.
 *
 * <p>An identity's cosine is that of its entry nearest to the probe. Cosines are computed in double precision of what is kept
 * in single precision, so that the answer depends neither on the way of searching nor on what else is asked at the same time.
 *
 * <p>Any number of threads may use a gallery. Changes wait for one another; searches and lists wait for nobody, and see the
 * gallery before a change or after it, never in between.
 *
 * <p>Limits: names up to 1,024 bytes of UTF-8, notes 4,096; 2 to 65,536 values; a thousand million entries, removed ones
 * until {@link #compact} included, if there is memory: all embeddings are held there.
 */
public final class Gallery implements AutoCloseable {
    private static final int MOST_DIMENSION = 1 << 16;
    private static final int USUAL_WIDTH = 64;
    private static final int MOST_WIDTH = 1 << 16;

    private final String fingerprint;
    private final int dimension;
    private final SearchMethod method;
    private final Object writing = new Object();
    private volatile @Nullable State current;
    private volatile int searchWidth = USUAL_WIDTH;

    // ---- for whoever holds `writing` ----
    private final @Nullable Path file;
    private final boolean readOnly;
    private @Nullable WriterLock lock;
    private @Nullable LogWriter log;
    private UUID id = UUID.randomUUID();
    private long nextEntry = 1;
    private long tornBytes;

    /** What readers see, all of it at one stroke. */
    private record State(Shelf shelf, Rows.View view) {}

    private Gallery(@Nullable Path file, String fingerprint, int dimension, SearchMethod method, boolean readOnly) {
        if (dimension < 2 || dimension > MOST_DIMENSION) {
            throw new IllegalArgumentException(
                    "dimension must be 2 to " + MOST_DIMENSION + " values, but was " + dimension);
        }
        this.file = file;
        this.fingerprint = Texts.fingerprint(fingerprint);
        this.dimension = dimension;
        this.method = method;
        this.readOnly = readOnly;
    }

    // ---- opening ----

    /**
     * A gallery in memory alone.
     *
     * @param fingerprint of the model whose embeddings it will hold
     * @param dimension their length
     */
    public static Gallery inMemory(String fingerprint, int dimension) {
        return inMemory(fingerprint, dimension, SearchMethod.EXACT);
    }

    /**
     * A gallery in memory alone.
     *
     * @param fingerprint of the model whose embeddings it will hold
     * @param dimension their length
     * @param method of searching
     */
    public static Gallery inMemory(String fingerprint, int dimension, SearchMethod method) {
        Gallery gallery = new Gallery(null, fingerprint, dimension, method, false);
        gallery.publish(new Shelf(dimension, method));
        return gallery;
    }

    /**
     * Opens a gallery's file, or makes it, to search every entry.
     *
     * @see #open(Path, String, int, SearchMethod)
     */
    public static Gallery open(Path file, String fingerprint, int dimension) {
        return open(file, fingerprint, dimension, SearchMethod.EXACT);
    }

    /**
     * Opens a gallery's file, or makes it. What a process that was killed, or a machine that lost power, has left half written
     * at its end is cut off: it was acknowledged to nobody.
     *
     * <p>A file {@code NAME.lock} beside it keeps others from writing while the gallery is open. With {@link
     * SearchMethod#HNSW} the graph is kept in {@code NAME.hnsw} when the gallery is closed. Both may be deleted when
     * nobody has the gallery open.
     *
     * @param fingerprint of the model whose embeddings it holds: those of two models cannot be compared
     * @param dimension their length
     * @param method of searching
     * @throws GalleryException when it cannot be read or written, is damaged, is another model's, or is open already
     */
    public static Gallery open(Path file, String fingerprint, int dimension, SearchMethod method) {
        Gallery gallery = new Gallery(real(file), fingerprint, dimension, method, false);
        try {
            gallery.openForWriting();
            return gallery;
        } catch (RuntimeException | Error e) {
            gallery.release();
            throw e;
        }
    }

    /**
     * Reads a gallery's file as it is now, without being in the way of whoever writes to it. Changes are refused, and those of
     * others are not seen.
     *
     * @throws GalleryException when it cannot be read, is damaged or is another model's
     */
    public static Gallery openReadOnly(Path file, String fingerprint, int dimension, SearchMethod method) {
        Gallery gallery = new Gallery(real(file), fingerprint, dimension, method, true);
        gallery.load();
        return gallery;
    }

    /**
     * Which model a gallery's file is for: only the beginning is read.
     *
     * @throws GalleryException when it cannot be read or is damaged there
     */
    public static GalleryInfo info(Path file) {
        LogHeader header = LogReader.header(file);
        return new GalleryInfo(header.fingerprint(), header.dimension());
    }

    /** Links are followed, or a compaction would put a file in the place of the link. */
    private static Path real(Path file) {
        try {
            return AtomicFile.real(file);
        } catch (IOException e) {
            throw new GalleryException("cannot read gallery " + file + ": " + AtomicFile.reason(e), e);
        }
    }

    private void openForWriting() {
        lock = lock();
        AtomicFile.cleanBeside(file);
        AtomicFile.cleanBeside(SavedGraph.of(file));
        for (String ending : new String[] {".tmp", ".hnsw.tmp"}) { // left by earlier versions, which used fixed names
            SavedGraph.deleteQuietly(file.resolveSibling(file.getFileName() + ending));
        }
        if (!Files.exists(file)) {
            LogHeader header = new LogHeader(id, dimension, nextEntry, fingerprint);
            log = LogWriter.create(file, header, List.<LogRecord>of().iterator());
            publish(new Shelf(dimension, method));
        } else {
            log = LogWriter.open(file, load());
        }
    }

    private WriterLock lock() {
        try {
            return WriterLock.of(file.resolveSibling(file.getFileName() + ".lock"), "a gallery writer");
        } catch (LockedException e) {
            throw new GalleryException(
                    "gallery " + file + " is open for writing in "
                            + (e.byThisProcess() ? "this process" : "another process")
                            + " already; close that one, or open this one for reading"
                            + (e.holder() == null ? "" : "; the lock is held by " + e.holder()),
                    e);
        } catch (IOException e) {
            throw new GalleryException(
                    "cannot lock gallery " + file + ": " + AtomicFile.reason(e)
                            + "; choose a folder that can be written, or open it for reading",
                    e);
        }
    }

    private LogReader.End load() {
        Shelf shelf = new Shelf(dimension, method);
        try {
            LogReader.End end = LogReader.read(file, fingerprint, dimension, record -> replay(record, shelf));
            id = end.header().id();
            nextEntry = Math.max(nextEntry, end.header().firstEntry());
            tornBytes = end.tornBytes();
            Rows.View view = shelf.rows().view();
            int indexed = shelf.index() instanceof HnswSearch graph ? SavedGraph.read(file, id, view, graph) : 0;
            shelf.indexFrom(indexed);
            publish(shelf);
            return end;
        } catch (RuntimeException | Error e) {
            shelf.close();
            throw e;
        }
    }

    private void replay(LogRecord record, Shelf shelf) {
        if (record instanceof LogRecord.Enrolled enrolled) {
            if (enrolled.entry() < nextEntry) {
                throw new IllegalStateException("entry " + enrolled.entry() + " is there a second time");
            }
            nextEntry = enrolled.entry() + 1;
            shelf.vectors().reserve(shelf.rows().count() + 1);
            shelf.add(enrolled.entry(), enrolled.identity(), enrolled.note(), enrolled.unit());
        } else if (record instanceof LogRecord.EntryRemoved removed) {
            shelf.rows().remove(removed.entry());
        } else if (record instanceof LogRecord.IdentityRemoved removed) {
            shelf.rows().remove(removed.identity());
        }
    }

    // ---- changing ----

    /**
     * Enrols an embedding; an identity may have several.
     *
     * @param identity name: any Unicode, kept in its composed form (NFC)
     * @param embedding of any length but zero; copied
     * @return the entry's id
     * @throws IllegalArgumentException when the name is empty or too long, or the embedding is zero, not finite or of the
     *     wrong number of values
     * @throws GalleryException when the file cannot be written; nothing is enrolled then
     */
    public long enrol(String identity, float[] embedding) {
        return enrol(identity, embedding, null);
    }

    /**
     * Enrols an embedding with a note of where it comes from; as {@link #enrol(String, float[])}.
     *
     * @param note up to 4,096 bytes
     * @return the entry's id
     */
    public long enrol(String identity, float[] embedding, @Nullable String note) {
        return enrol(List.of(new Enrolment(identity, embedding, note)))[0];
    }

    /**
     * Enrols many, which is faster than one after the other: the disk has to confirm only once. All are checked first. Should
     * the process be killed meanwhile, some may be there at the next opening and the rest not.
     *
     * @return the entries' ids, in order
     * @throws IllegalArgumentException when one of them cannot be enrolled; none is then
     * @throws GalleryException when the file cannot be written; nothing is enrolled then
     */
    public long[] enrol(List<Enrolment> enrolments) {
        List<LogRecord.Enrolled> records = new ArrayList<>(enrolments.size());
        for (Enrolment enrolment : enrolments) {
            String identity = Texts.name(enrolment.identity());
            float[] unit = UnitVector.of(enrolment.embedding(), dimension, "embedding of " + identity);
            String note = enrolment.note() == null || enrolment.note().isEmpty() ? null : Texts.note(enrolment.note());
            records.add(new LogRecord.Enrolled(0, identity, note, unit));
        }
        synchronized (writing) {
            Shelf shelf = toChange();
            int first = shelf.rows().count();
            if (records.size() > Rows.MOST - first) {
                throw new IllegalArgumentException("a gallery must have at most " + Rows.MOST + " entries, but has "
                        + first + " with those removed and is to get " + records.size() + " more; compact it");
            }
            shelf.vectors().reserve(first + records.size()); // whatever fails must fail before it is on the disk
            long from = nextEntry;
            long[] ids = new long[records.size()];
            for (int i = 0; i < ids.length; i++) {
                ids[i] = from + i;
                LogRecord.Enrolled r = records.get(i);
                records.set(i, new LogRecord.Enrolled(ids[i], r.identity(), r.note(), r.unit()));
            }
            record(records);
            nextEntry += ids.length;
            records.forEach(r -> shelf.add(r.entry(), r.identity(), r.note(), r.unit()));
            shelf.indexFrom(first);
            publish(shelf);
            return ids;
        }
    }

    /**
     * Removes an identity with all its entries. Its embeddings stay in the file, marked as removed, until {@link #compact}.
     *
     * @return how many entries it had
     * @throws GalleryException when the file cannot be written; nothing is removed then
     */
    public int remove(String identity) {
        String name = Texts.name(identity);
        synchronized (writing) {
            Shelf shelf = toChange();
            int count = shelf.rows().size(name);
            if (count > 0) {
                record(List.of(new LogRecord.IdentityRemoved(name)));
                shelf.rows().remove(name);
                publish(shelf);
            }
            return count;
        }
    }

    /**
     * Removes an entry; an identity that has no other is gone with it. The embedding stays in the file until {@link #compact}.
     *
     * @return whether it was there
     * @throws GalleryException when the file cannot be written; nothing is removed then
     */
    public boolean remove(long entry) {
        synchronized (writing) {
            Shelf shelf = toChange();
            boolean there = shelf.rows().has(entry);
            if (there) {
                record(List.of(new LogRecord.EntryRemoved(entry)));
                shelf.rows().remove(entry);
                publish(shelf);
            }
            return there;
        }
    }

    /**
     * Rewrites file and memory without what was removed. Searches go on meanwhile; so long the memory is needed twice, and
     * with {@link SearchMethod#HNSW} the graph is built anew.
     *
     * @throws GalleryException when the file cannot be written; all is as it was then
     */
    public void compact() {
        synchronized (writing) {
            Shelf former = toChange();
            Rows.View view = former.rows().view();
            int[] live = view.liveRows();
            Shelf shelf = new Shelf(dimension, method);
            try {
                shelf.vectors().reserve(live.length);
                for (int row : live) {
                    Entry entry = view.entry(row);
                    shelf.add(
                            entry.id(),
                            entry.identity(),
                            entry.note(),
                            former.vectors().get(row));
                }
                shelf.indexFrom(0);
                rewrite(shelf);
            } catch (RuntimeException | Error e) {
                shelf.close();
                throw e;
            }
            publish(shelf);
            former.leaveAndWait();
            former.close();
        }
    }

    private void rewrite(Shelf shelf) {
        if (file == null) {
            return;
        }
        UUID newId = UUID.randomUUID();
        Rows.View view = shelf.rows().view();
        Iterator<LogRecord.Enrolled> records = IntStream.range(0, view.rows())
                .mapToObj(row -> {
                    Entry entry = view.entry(row);
                    float[] unit = shelf.vectors().get(row);
                    return new LogRecord.Enrolled(entry.id(), entry.identity(), entry.note(), unit);
                })
                .iterator();
        LogHeader header = new LogHeader(newId, dimension, nextEntry, fingerprint);
        log = log.replace(header, records);
        id = newId;
    }

    /** Holding {@code writing}. */
    private Shelf toChange() {
        if (readOnly) {
            throw new IllegalStateException(
                    "gallery " + file + " is open for reading; open it for writing to change it");
        }
        return state().shelf;
    }

    private void record(List<? extends LogRecord> records) {
        if (log != null) {
            log.append(records.iterator());
        }
    }

    private void publish(Shelf shelf) {
        current = new State(shelf, shelf.rows().view());
    }

    // ---- asking ----

    /**
     * How widely is searched from now on ({@link SearchMethod#HNSW} and {@link SearchMethod#CODES}; to an exact search it changes
     * nothing): the neighbours held on the way, the field's efSearch. More finds the nearest more often, and takes longer.
     *
     * @param width 1 to 65,536; 64 where not said
     */
    public void setSearchWidth(int width) {
        if (width < 1 || width > MOST_WIDTH) {
            throw new IllegalArgumentException("search width must be 1 to " + MOST_WIDTH + ", but was " + width);
        }
        this.searchWidth = width;
    }

    /**
     * Who this is.
     *
     * @param probe an embedding of the gallery's model, of any length but zero
     * @param topK most identities to name
     * @param threshold cosine from which on two faces count as one person's, in [-1, 1]
     * @return the identities that reach the threshold, or that none does
     * @throws IllegalArgumentException when the probe is zero, not finite or of the wrong number of values, {@code topK} is
     *     below 1 or the threshold is no cosine
     */
    public Outcome identify(float[] probe, int topK, double threshold) {
        return identify(List.of(probe), topK, threshold).get(0);
    }

    /**
     * Who these are, each by itself; faster than one after the other, as all share one reading of the gallery.
     *
     * @return for each probe in order what {@link #identify(float[], int, double)} says, of one state of the gallery
     */
    public List<Outcome> identify(List<float[]> probes, int topK, double threshold) {
        if (topK < 1) {
            throw new IllegalArgumentException("topK must be at least 1, but was " + topK);
        }
        if (!(threshold >= -1 && threshold <= 1)) {
            throw new IllegalArgumentException("threshold must be a cosine in [-1, 1], but was " + threshold);
        }
        List<float[]> units = probes.stream()
                .map(probe -> UnitVector.of(probe, dimension, "probe"))
                .toList();
        return reading(state -> state.shelf.index().nearest(units, state.view, topK, searchWidth).stream()
                .map(hits -> outcome(hits.stream().map(state.view::match).toList(), threshold))
                .toList());
    }

    private static Outcome outcome(List<Match> nearest, double threshold) {
        List<Match> matches =
                nearest.stream().filter(match -> match.cosine() >= threshold).toList();
        return matches.isEmpty() ? new Outcome.Unknown(nearest.stream().findFirst()) : new Outcome.Known(matches);
    }

    /** How many entries there are. */
    public int size() {
        return state().view.live();
    }

    /** The names and how many entries each has, in the order of the names. */
    public Map<String, Integer> identities() {
        Map<String, Integer> counts = new TreeMap<>();
        for (Entry entry : entries()) {
            counts.merge(entry.identity(), 1, Integer::sum);
        }
        return counts;
    }

    /** All entries, in the order of enrolment. */
    public List<Entry> entries() {
        Rows.View view = state().view;
        return Arrays.stream(view.liveRows()).mapToObj(view::entry).toList();
    }

    /** An entry's embedding, of length 1; empty where there is no such entry. */
    public Optional<float[]> embedding(long entry) {
        return reading(state -> {
            int row = Arrays.binarySearch(state.view.entries(), 0, state.view.rows(), entry);
            return row >= 0 && state.view.has(row)
                    ? Optional.of(state.shelf.vectors().get(row))
                    : Optional.empty();
        });
    }

    /** Of the model whose embeddings it holds. */
    public String fingerprint() {
        return fingerprint;
    }

    /** Length of the embeddings. */
    public int dimension() {
        return dimension;
    }

    /** How many bytes at the file's end were cut off when it was opened, of a change that was never finished; 0 mostly. */
    public long tornBytes() {
        return tornBytes;
    }

    private State state() {
        State state = current;
        if (state == null) {
            throw new IllegalStateException("gallery " + (file == null ? "in memory" : file) + " is closed");
        }
        return state;
    }

    private <T> T reading(Function<State, T> ask) {
        while (true) {
            State state = state();
            if (state.shelf.enter()) {
                try {
                    return ask.apply(state);
                } finally {
                    state.shelf.leave();
                }
            } // else a compaction has just put another in its place
        }
    }

    /** Waits for searches under way, frees the memory and lets others open the file. A second time does nothing. */
    @Override
    public void close() {
        synchronized (writing) {
            State state = current;
            if (state == null) {
                return;
            }
            current = null;
            try (Shelf shelf = state.shelf) {
                shelf.leaveAndWait();
                if (file != null && !readOnly && shelf.index() instanceof HnswSearch graph) {
                    SavedGraph.write(file, id, shelf.rows().count(), graph);
                }
            } finally {
                release();
            }
        }
    }

    private void release() {
        try {
            if (log != null) {
                log.close();
            }
        } catch (IOException e) {
            throw new GalleryException("cannot close gallery " + file + ": " + e.getMessage(), e);
        } finally {
            if (lock != null) {
                lock.close();
            }
        }
    }

    @Override
    public String toString() {
        State state = current;
        return "Gallery " + (file == null ? "in memory" : file) + ": "
                + (state == null ? "closed" : state.view.live() + " entries of " + state.view.liveGroups() + " people");
    }
}
