package org.facerecognition.gallery;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.UUID;
import org.facerecognition.io.AtomicFile;
import org.facerecognition.io.ConfidentialFile;
import org.facerecognition.io.LockedException;
import org.facerecognition.io.WriterLock;
import org.jspecify.annotations.Nullable;

/**
 * A gallery's file and what belongs to it: the lock, the log of batches, the saved graph. For one thread at a time.
 * What is removed is erased from all of these before the removal is acknowledged.
 */
final class GalleryStore implements AutoCloseable {
    private static final int TRIES = 20;
    private static final int PAUSE_MILLIS = 2;

    private final Path file;
    private final LogFile.Opener opener;
    private final boolean readOnly;
    private @Nullable WriterLock lock;
    private @Nullable LogWriter log;
    private LogHeader header;
    private Places places = new Places();
    private long nextEntry;
    private long tornBytes;

    private GalleryStore(Path file, LogHeader header, LogFile.Opener opener, boolean readOnly) {
        this.file = file;
        this.header = header;
        this.nextEntry = header.firstEntry();
        this.opener = opener;
        this.readOnly = readOnly;
    }

    /** A store to be {@link #load loaded} next. */
    static GalleryStore forWriting(Path file, String fingerprint, int dimension, LogFile.Opener opener) {
        LogHeader header = new LogHeader(UUID.randomUUID(), dimension, 1, fingerprint, null);
        GalleryStore store = new GalleryStore(real(file), header, opener, false);
        store.lock = store.lock();
        return store;
    }

    /** A store to be {@link #load loaded} next, of which nothing is changed. */
    static GalleryStore forReading(Path file, String fingerprint, int dimension) {
        LogHeader header = new LogHeader(UUID.randomUUID(), dimension, 1, fingerprint, null);
        return new GalleryStore(real(file), header, LogFile::open, true);
    }

    /** Links are followed, or a compaction would put a file in the place of the link. */
    static Path real(Path file) {
        try {
            return AtomicFile.real(file);
        } catch (IOException e) {
            throw new GalleryException("cannot read gallery " + file + ": " + AtomicFile.reason(e), e);
        }
    }

    private Path lockFile() {
        return file.resolveSibling(file.getFileName() + ".lock");
    }

    private WriterLock lock() {
        try {
            return WriterLock.ofConfidential(lockFile(), "a gallery writer");
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

    // ---- loading ----

    /**
     * Reads the file into memory. For writing, the file is created when it is not there, and what a process that was
     * killed has left is finished or erased.
     *
     * @throws GalleryException when it cannot be read or written, is damaged or is another model's
     */
    Segment load(SearchMethod method) {
        if (!readOnly) {
            prepare();
            if (!Files.exists(file)) {
                log = LogWriter.create(file, opener, header);
                return new Segment(header.dimension(), method);
            }
        }
        return read(method);
    }

    /** Nothing is touched before it is sure that the file is a gallery's, or that there is none. */
    private void prepare() {
        if (Files.isDirectory(file)) {
            throw new GalleryException("gallery " + file + " must be a file, but is a folder; name a file in it");
        }
        boolean there = Files.exists(file);
        if (there) {
            LogReader.header(file);
        }
        AtomicFile.syncFolder(
                file.toAbsolutePath().getParent()); // a former one must not be erased before its successor
        AtomicFile.cleanBeside(file);
        AtomicFile.cleanBeside(SavedGraph.of(file));
        if (!there) {
            return;
        }
        for (String ending : new String[] {".tmp", ".hnsw.tmp"}) { // left by earlier versions, which used fixed names
            eraseQuietly(file.resolveSibling(file.getFileName() + ending));
        }
        ConfidentialFile.restrict(file);
        ConfidentialFile.restrict(SavedGraph.of(file));
        try {
            int names = ConfidentialFile.hardLinks(file);
            if (names > 1) {
                throw new GalleryException("gallery " + file + " has " + names + " hard links, so that it could be"
                        + " written under two names at the same time, and what is removed would stay under the other"
                        + " one; delete the other link, or make a copy and open that");
            }
        } catch (IOException e) {
            throw new GalleryException("cannot read gallery " + file + ": " + AtomicFile.reason(e), e);
        }
    }

    private static void eraseQuietly(Path leftOver) {
        try {
            ConfidentialFile.erase(leftOver);
        } catch (IOException e) {
            // the next opening tries again
        }
    }

    /** A writer in another process may erase an entry, or replace the file, while it is read: then it is read again. */
    private Segment read(SearchMethod method) {
        for (int tries = 1; ; tries++) {
            try {
                return readOnce(method);
            } catch (GalleryException e) {
                if (!readOnly || tries == TRIES || !e.getMessage().contains(" is damaged ")) {
                    throw e;
                }
                if (tries > 1 && !Files.exists(lockFile())) { // nobody writes
                    throw e;
                }
                pause();
            }
        }
    }

    private static void pause() {
        try {
            Thread.sleep(PAUSE_MILLIS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private Segment readOnce(SearchMethod method) {
        Segment shelf = new Segment(header.dimension(), method);
        Replay replay = new Replay(shelf);
        try {
            LogReader.End end = LogReader.read(file, header.fingerprint(), header.dimension(), replay);
            header = end.header();
            nextEntry = Math.max(replay.nextEntry, header.firstEntry());
            places = replay.places;
            tornBytes = end.tornBytes();
            finish(end);
            Rows rows = shelf.rows();
            boolean hasGraph =
                    shelf.index() instanceof HnswSearch && end.unfinished().isEmpty();
            int indexed = hasGraph ? SavedGraph.read(file, header.id(), rows.view(), (HnswSearch) shelf.index()) : 0;
            shelf.indexFrom(indexed);
            return shelf;
        } catch (RuntimeException | Error e) {
            shelf.close();
            throw e;
        }
    }

    /** What was committed and not finished is finished; what was not committed is erased. */
    private void finish(LogReader.End end) {
        if (readOnly || header.version() < LogHeader.VERSION) {
            return;
        }
        log = LogWriter.open(file, opener, end);
        if (!end.unfinished().isEmpty()) {
            eraseGraph("entries were removed from gallery " + file);
            log.erase(end.unfinished());
        }
    }

    /** Brings the entries of a file into memory. */
    private static final class Replay implements LogReader.Sink {
        private final Segment shelf;
        private final Places places = new Places();
        private long nextEntry = 1;

        Replay(Segment shelf) {
            this.shelf = shelf;
        }

        @Override
        public void enrolled(LogRecord.Enrolled entry, long place) {
            if (entry.entry() < nextEntry) {
                throw new IllegalStateException("entry " + entry.entry() + " is there a second time");
            }
            shelf.vectors().reserve(shelf.rows().count() + 1);
            shelf.add(entry);
            places.add(entry.entry(), place);
            gone(entry.entry());
        }

        @Override
        public void gone(long entry) {
            nextEntry = Math.max(nextEntry, entry + 1);
        }

        @Override
        public void removed(long entry) {
            int row = shelf.rows().view().row(entry);
            shelf.rows().remove(row < 0 ? new int[0] : new int[] {row});
        }
    }

    // ---- what is in it ----

    Path file() {
        return file;
    }

    /**
     * Whether the file is of an earlier version of the format, which is read only; to be {@link #rewrite rewritten}.
     */
    boolean isFormer() {
        return header.version() < LogHeader.VERSION;
    }

    long nextEntry() {
        return nextEntry;
    }

    long tornBytes() {
        return tornBytes;
    }

    @Nullable
    String embeddingMode() {
        return header.embeddingMode();
    }

    // ---- changing ----

    /**
     * Adds entries as one batch; when this returns they are on the disk.
     *
     * @throws GalleryException when they cannot be written; none is in the file then
     */
    void enroll(List<LogRecord.Enrolled> entries) {
        log.append(entries, BatchMark.Kind.ENTRIES, places);
        if (!entries.isEmpty()) {
            nextEntry = entries.get(entries.size() - 1).entry() + 1;
        }
    }

    /**
     * Commits that entries are removed; when this returns they are gone for every opening to come, and are still to be
     * {@link #erase erased}.
     *
     * @throws GalleryException when that cannot be written; nothing is removed then
     */
    List<LogRecord.Removal> remove(long[] entries) {
        List<LogRecord.Removal> removals = Arrays.stream(entries)
                .mapToObj(entry -> new LogRecord.Removal(entry, places.of(entry)))
                .toList();
        log.append(removals, BatchMark.Kind.REMOVALS, places);
        return removals;
    }

    /**
     * Erases entries whose removal is committed, and the saved graph, from the disk.
     *
     * @throws GalleryException when that is impossible; the next opening for writing tries again
     */
    void erase(List<LogRecord.Removal> removals) {
        eraseGraph("entries were removed from gallery "
                + file); // first: it is the entries that tell the next opening that this was not finished
        log.erase(removals);
    }

    /** @param done what has happened before, as the beginning of a sentence */
    private void eraseGraph(String done) {
        try {
            ConfidentialFile.erase(SavedGraph.of(file));
        } catch (IOException e) {
            throw new GalleryException(
                    done + ", but " + SavedGraph.of(file) + " could not be erased: " + AtomicFile.reason(e)
                            + "; close the gallery and open it for writing again, which tries again",
                    e);
        }
    }

    /**
     * Rewrites the file with the rows of a shelf that are not removed, and erases the former one.
     *
     * @throws GalleryException when it cannot be written; all is as it was then
     */
    void rewrite(Segment shelf, @Nullable String embeddingMode) {
        Rows.View view = shelf.rows().view();
        Iterator<LogRecord.Enrolled> entries = Arrays.stream(view.liveRows())
                .mapToObj(row -> shelf.record(view, row))
                .iterator();
        LogHeader rewritten =
                new LogHeader(UUID.randomUUID(), header.dimension(), nextEntry, header.fingerprint(), embeddingMode);
        Places newPlaces = new Places();
        eraseGraph("gallery " + file + " was to be rewritten"); // it is of other rows
        log = LogWriter.replace(file, opener, rewritten, entries, newPlaces, log);
        header = rewritten;
        places = newPlaces;
    }

    /** Keeps the graph for the next opening, unless removed rows are part of it. */
    void keepGraph(Segment shelf) {
        if (!readOnly && !shelf.rows().hasRemoved() && shelf.index() instanceof HnswSearch graph) {
            SavedGraph.write(file, header.id(), shelf.rows().count(), graph);
        }
    }

    @Override
    public void close() {
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
}
