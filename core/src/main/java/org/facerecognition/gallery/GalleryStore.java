package org.facerecognition.gallery;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Objects;
import java.util.UUID;
import org.facerecognition.io.AtomicFile;
import org.facerecognition.io.ConfidentialFile;
import org.facerecognition.io.LockedException;
import org.facerecognition.io.WriterLock;
import org.jspecify.annotations.Nullable;

/**
 * A gallery's file and what belongs to it: the writer's lock, the log of batches and the saved graph. Removed entries
 * are erased from all of these before the removal is acknowledged. For one thread at a time.
 */
final class GalleryStore implements AutoCloseable {
    private static final int MAX_READ_ATTEMPTS = 20;
    private static final int PAUSE_MILLIS = 2;

    private final Path file;
    private final LogFile.Opener opener;
    private final boolean readOnly;
    private @Nullable WriterLock lock;
    private @Nullable LogWriter log;
    private LogHeader header;
    private EntryOffsets offsets = new EntryOffsets();
    private long nextEntry;
    private long tornBytes;

    private GalleryStore(Path file, LogHeader header, LogFile.Opener opener, boolean readOnly) {
        this.file = file;
        this.header = header;
        this.nextEntry = header.firstEntry();
        this.opener = opener;
        this.readOnly = readOnly;
    }

    /** Locks a file for writing; {@link #load} must be called next. */
    static GalleryStore forWriting(Path file, String fingerprint, int dimension, LogFile.Opener opener) {
        LogHeader header = new LogHeader(UUID.randomUUID(), dimension, 1, fingerprint, null);
        GalleryStore store = new GalleryStore(real(file), header, opener, false);
        store.lock = store.lock();
        return store;
    }

    /** Creates a store that changes nothing on the disk; {@link #load} must be called next. */
    static GalleryStore forReading(Path file, String fingerprint, int dimension) {
        LogHeader header = new LogHeader(UUID.randomUUID(), dimension, 1, fingerprint, null);
        return new GalleryStore(real(file), header, LogFile::open, true);
    }

    /** Follows symbolic links; otherwise a compaction would replace the link and not the file that it points to. */
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
                    "gallery " + file + " is already open for writing in "
                            + (e.byThisProcess() ? "this process" : "another process")
                            + "; close that one, or open this one for reading"
                            + (e.holder() == null ? "" : "; the lock is held by " + e.holder()),
                    e);
        } catch (IOException e) {
            throw new GalleryException(
                    "cannot lock gallery " + file + ": " + AtomicFile.reason(e)
                            + "; choose a writable folder, or open it for reading",
                    e);
        }
    }

    // ---- loading ----

    /**
     * Reads the file into memory. For writing, a missing file is created, and a change that a killed process left
     * incomplete is finished if it was committed and erased if it was not.
     *
     * @throws GalleryException if the file cannot be read or written, is damaged, or belongs to another model
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

    /** Changes nothing before it is certain that the file is a gallery's or does not exist. */
    private void prepare() {
        if (Files.isDirectory(file)) {
            throw new GalleryException("gallery " + file + " must be a file, but is a folder; name a file in it");
        }
        boolean exists = Files.exists(file);
        if (exists) {
            LogReader.header(file);
        }
        // The disk must confirm a replaced file's successor before the old content, a temporary file now, is erased.
        AtomicFile.syncFolderOf(file);
        AtomicFile.cleanBeside(file);
        AtomicFile.cleanBeside(SavedGraph.of(file));
        if (!exists) {
            return;
        }
        for (String suffix : new String[] {".tmp", ".hnsw.tmp"}) { // left by earlier versions, which used fixed names
            eraseQuietly(file.resolveSibling(file.getFileName() + suffix));
        }
        ConfidentialFile.restrict(file);
        ConfidentialFile.restrict(SavedGraph.of(file));
        try {
            int links = ConfidentialFile.hardLinks(file);
            if (links > 1) {
                throw new GalleryException("gallery " + file + " has " + links + " hard links, so that it could be"
                        + " written under two names at the same time, and removed entries would remain under the other"
                        + " name; delete the other link, or make a copy and open that");
            }
        } catch (IOException e) {
            throw new GalleryException("cannot read gallery " + file + ": " + AtomicFile.reason(e), e);
        }
    }

    private static void eraseQuietly(Path leftover) {
        try {
            ConfidentialFile.erase(leftover);
        } catch (IOException e) {
            // the next opening tries again
        }
    }

    /** Reads the file again if a writer in another process erased an entry or replaced the file in the meantime. */
    private Segment read(SearchMethod method) {
        for (int attempt = 1; ; attempt++) {
            try {
                return readOnce(method);
            } catch (GalleryException e) {
                if (!readOnly
                        || attempt == MAX_READ_ATTEMPTS
                        || !String.valueOf(e.getMessage()).contains(" is damaged ")) {
                    throw e;
                }
                if (attempt > 1 && !Files.exists(lockFile())) { // there is no writer
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
        Segment segment = new Segment(header.dimension(), method);
        Replay replay = new Replay(segment);
        try {
            LogReader.Result result = LogReader.read(file, header.fingerprint(), header.dimension(), replay);
            header = result.header();
            nextEntry = Math.max(replay.nextEntry, header.firstEntry());
            offsets = replay.offsets;
            tornBytes = result.tornBytes();
            finish(result);
            Rows rows = segment.rows();
            boolean mayHaveGraph = segment.index() instanceof HnswSearch
                    && result.pendingErasures().isEmpty();
            int indexed =
                    mayHaveGraph ? SavedGraph.read(file, header.id(), rows.view(), (HnswSearch) segment.index()) : 0;
            segment.indexFrom(indexed);
            return segment;
        } catch (RuntimeException | Error e) {
            segment.close();
            throw e;
        }
    }

    /** Erases what was not committed, and finishes erasures that were committed but not completed. */
    private void finish(LogReader.Result result) {
        if (readOnly || hasOldVersion()) {
            return;
        }
        log = LogWriter.open(file, opener, result);
        if (!result.pendingErasures().isEmpty()) {
            eraseGraph("entries were removed from gallery " + file);
            log.erase(result.pendingErasures());
        }
    }

    /** Loads the entries of a file into a segment. */
    private static final class Replay implements LogReader.Sink {
        private final Segment segment;
        private final EntryOffsets offsets = new EntryOffsets();
        private long nextEntry = 1;

        Replay(Segment segment) {
            this.segment = segment;
        }

        @Override
        public void enrolled(LogRecord.Enrolled entry, long offset) {
            if (entry.entry() < nextEntry) {
                throw new IllegalStateException("entry " + entry.entry() + " occurs a second time");
            }
            segment.vectors().reserve(segment.rows().count() + 1);
            segment.add(entry);
            offsets.add(entry.entry(), offset);
            idTaken(entry.entry());
        }

        @Override
        public void idTaken(long entry) {
            nextEntry = Math.max(nextEntry, entry + 1);
        }

        @Override
        public void removed(long entry) {
            int row = segment.rows().view().row(entry);
            segment.rows().remove(row < 0 ? new int[0] : new int[] {row});
        }
    }

    // ---- properties ----

    Path file() {
        return file;
    }

    /**
     * Returns whether the file is in an earlier version of the format, which is only read; {@link #rewrite} brings it
     * to the current version.
     */
    boolean hasOldVersion() {
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

    /** Returns the log, which is open unless this store is read-only or the file is in an earlier version. */
    private LogWriter log() {
        return Objects.requireNonNull(log, "log");
    }

    /**
     * Adds entries as one batch, which is on the disk when this method returns.
     *
     * @throws GalleryException if they cannot be written; none of them is in the file in this case
     */
    void enroll(List<LogRecord.Enrolled> entries) {
        log().append(entries, BatchMark.Kind.ENTRIES, offsets);
        if (!entries.isEmpty()) {
            nextEntry = entries.get(entries.size() - 1).entry() + 1;
        }
    }

    /**
     * Commits the removal of entries: when this method returns, no later opening finds them. They must still be {@link
     * #erase erased}.
     *
     * @throws GalleryException if the removal cannot be written; nothing is removed in this case
     */
    List<LogRecord.Removal> remove(long[] entries) {
        List<LogRecord.Removal> removals = Arrays.stream(entries)
                .mapToObj(entry -> new LogRecord.Removal(entry, offsets.of(entry)))
                .toList();
        log().append(removals, BatchMark.Kind.REMOVALS, offsets);
        return removals;
    }

    /**
     * Erases entries whose removal is committed, and the saved graph, from the disk.
     *
     * @throws GalleryException if this is impossible; the next opening for writing tries again
     */
    void erase(List<LogRecord.Removal> removals) {
        // The graph goes first: entries that are not erased tell the next opening that the erasure is incomplete.
        eraseGraph("entries were removed from gallery " + file);
        log().erase(removals);
    }

    /** @param done what has already happened, as the beginning of the message */
    private void eraseGraph(String done) {
        try {
            ConfidentialFile.erase(SavedGraph.of(file));
        } catch (IOException e) {
            throw new GalleryException(
                    done + ", but " + SavedGraph.of(file) + " could not be erased: " + AtomicFile.reason(e)
                            + "; close the gallery and open it for writing again, which retries the erasure",
                    e);
        }
    }

    /**
     * Rewrites the file with the live rows of a segment, and erases the content of the old file.
     *
     * @throws GalleryException if the file cannot be written; it is unchanged in this case
     */
    void rewrite(Segment segment, @Nullable String embeddingMode) {
        Rows.View view = segment.rows().view();
        Iterator<LogRecord.Enrolled> entries = Arrays.stream(view.liveRows())
                .mapToObj(row -> segment.record(view, row))
                .iterator();
        LogHeader newHeader =
                new LogHeader(UUID.randomUUID(), header.dimension(), nextEntry, header.fingerprint(), embeddingMode);
        EntryOffsets newOffsets = new EntryOffsets();
        eraseGraph("gallery " + file + " was about to be rewritten"); // the graph refers to the old rows
        log = LogWriter.replace(file, opener, newHeader, entries, newOffsets, log);
        header = newHeader;
        offsets = newOffsets;
    }

    /** Saves the graph for the next opening, unless removed rows are part of it. */
    void saveGraph(Segment segment) {
        if (!readOnly && !segment.rows().hasRemoved() && segment.index() instanceof HnswSearch graph) {
            SavedGraph.write(file, header.id(), segment.rows().count(), graph);
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
