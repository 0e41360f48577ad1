package org.facerecognition.gallery;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Objects;
import java.util.PrimitiveIterator;
import java.util.UUID;
import java.util.function.Consumer;
import java.util.function.LongConsumer;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.facerecognition.io.AtomicFile;
import org.facerecognition.io.ConfidentialFile;
import org.facerecognition.io.WriterLock;
import org.jspecify.annotations.Nullable;

/**
 * A gallery's file and what belongs to it: the writer's lock, the log of batches and the saved graph. Removed entries
 * are erased from all of these before the removal is acknowledged. For one thread at a time.
 */
final class GalleryStore implements AutoCloseable {
    private static final int MIN_GROWTH = 500_000; // entries

    private final Path file;
    private final LogFile.Opener opener;
    private final GalleryLoader loader;
    private final boolean readOnly;
    private @Nullable WriterLock lock;
    private @Nullable LogWriter log;
    private LogHeader header;
    private LongColumn offsets = new LongColumn(); // by row
    private int offsetCount;
    private @Nullable DiskSegment disk; // the current segment, if embeddings stay in the file
    private List<LogRecord.Removal> toErase = List.of(); // removals that are committed
    private long nextEntry;
    private long tornBytes;

    private GalleryStore(Path file, LogHeader header, LogFile.Opener opener, boolean readOnly) {
        this.file = file;
        this.header = header;
        this.nextEntry = header.firstEntry();
        this.opener = opener;
        this.readOnly = readOnly;
        this.loader = new GalleryLoader(file, header.fingerprint(), header.dimension(), readOnly);
    }

    /** Locks a file for writing; {@link #load} must be called next. */
    static GalleryStore forWriting(Path file, String fingerprint, int dimension, LogFile.Opener opener) {
        LogHeader header = new LogHeader(UUID.randomUUID(), dimension, 1, fingerprint, null);
        GalleryStore store = new GalleryStore(GalleryLoader.real(file), header, opener, false);
        store.lock = GalleryLoader.lock(store.file);
        return store;
    }

    /** Creates a store that changes nothing on the disk; {@link #load} must be called next. */
    static GalleryStore forReading(Path file, String fingerprint, int dimension) {
        LogHeader header = new LogHeader(UUID.randomUUID(), dimension, 1, fingerprint, null);
        return new GalleryStore(GalleryLoader.real(file), header, LogFile::open, true);
    }

    // ---- loading ----

    /**
     * Reads the file into memory. For writing, a missing file is created, one without entries is bound to the model,
     * and a change that a killed process left incomplete is finished if it was committed and erased if it was not.
     *
     * @throws GalleryException if the file cannot be read or written, is damaged, or has entries of another model
     */
    Segment load(SearchMethod method) {
        if (!readOnly && !prepare()) {
            log = LogWriter.create(file, opener, header);
            disk = method == SearchMethod.ON_DISK ? new DiskSegment(file, header.dimension(), offsets) : null;
            return disk != null ? disk : new MemorySegment(header.dimension(), method);
        }
        return readOnly && EmptyGallery.isOfAnotherModel(file, header)
                ? new MemorySegment(header.dimension(), SearchMethod.EXACT)
                : read(method);
    }

    /** Returns whether the file exists; changes nothing before it is certain that it is a gallery's or does not. */
    private boolean prepare() {
        if (Files.isDirectory(file)) {
            throw new GalleryException("gallery " + file + " must be a file, but is a folder; name a file in it");
        }
        boolean exists = GalleryLoader.exists(file);
        if (exists) {
            LogReader.header(file);
        }
        // The disk must confirm a replaced file's successor before the old content, a temporary file now, is erased.
        AtomicFile.syncFolderOf(file);
        AtomicFile.cleanBeside(file);
        List<Path> derived = List.of(SavedGraph.of(file), SavedIndex.of(file));
        derived.forEach(AtomicFile::cleanBeside);
        if (!exists) {
            return false;
        }
        DerivedFiles.prepare(file);
        ConfidentialFile.restrict(file);
        try {
            int links = ConfidentialFile.deleteSecondNames(file);
            if (links > 1) {
                throw new GalleryException("gallery " + file + " has " + links + " hard links, under which removed"
                        + " entries would remain, and others could write; find them with \"find FOLDER -samefile "
                        + file + "\" and delete all but one, or make a copy and open that");
            }
        } catch (IOException e) {
            throw new GalleryException("cannot read gallery " + file + ": " + AtomicFile.reason(e), e);
        }
        EmptyGallery.bind(file, opener, header);
        return true;
    }

    /** Reads the file again after it was rewritten in the current version. */
    Segment reload(SearchMethod method) {
        long torn = tornBytes; // of the file as it was
        close(log());
        Segment segment = read(method);
        tornBytes = torn;
        return segment;
    }

    private Segment read(SearchMethod method) {
        GalleryLoader.Loaded loaded = loader.load(method);
        try {
            take(loaded);
            finish(loaded.read());
            return loaded.segment();
        } catch (RuntimeException | Error e) {
            loaded.segment().close();
            throw e;
        }
    }

    private void take(GalleryLoader.Loaded loaded) {
        header = loaded.read().header();
        offsets = loaded.offsets();
        offsetCount = loaded.segment().rows().count();
        nextEntry = loaded.nextEntry();
        disk = loaded.segment() instanceof DiskSegment onDisk ? onDisk : null;
    }

    /** Erases what was not committed, and finishes erasures that were committed but not completed. */
    private void finish(LogReader.Result result) {
        tornBytes = result.tornBytes();
        if (readOnly || hasOldVersion()) {
            return;
        }
        log = LogWriter.open(file, opener, result);
        if (!result.pendingErasures().isEmpty()) {
            eraseDerived("entries were removed from gallery " + file);
            log.erase(result.pendingErasures());
        } else if (disk != null) {
            eraseFromIndex("entries were removed from gallery " + file); // by a version that knows no saved index
        }
    }

    private void addOffset(long offset) {
        offsets.put(offsetCount++, offset);
    }

    // ---- properties ----

    Path file() {
        return file;
    }

    /** Returns whether the file is in an earlier version of the format, which is only read or {@link #rewrite}d. */
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
        offsets.reserve(offsetCount + entries.size()); // fails, if at all, before anything is on the disk
        log().append(entries, BatchMark.Kind.ENTRIES, this::addOffset);
        if (!entries.isEmpty()) {
            nextEntry = entries.get(entries.size() - 1).entry() + 1;
        }
    }

    /**
     * Commits the removal of entries: when this method returns, no later opening finds them. They must still be {@link
     * #erase erased}.
     *
     * @param rows of the entries, ascending
     * @throws GalleryException if the removal cannot be written; nothing is removed in this case
     */
    void remove(int[] rows, Rows.View view) {
        List<LogRecord.Removal> removals = Arrays.stream(rows)
                .mapToObj(row -> new LogRecord.Removal(view.id(row), offsets.get(row)))
                .toList();
        List<LogRecord.Removal> all =
                Stream.concat(toErase.stream(), removals.stream()).toList();
        log().append(removals, BatchMark.Kind.REMOVALS, this::addOffset);
        toErase = all;
    }

    /**
     * Erases all entries whose removal is committed, and what is derived from them, from the disk.
     *
     * @throws GalleryException if this is impossible; the next removal of anything, or opening for writing, tries again
     */
    void erase() {
        if (toErase.isEmpty()) {
            return;
        }
        // The entries come last: one that is not erased tells the next opening that the erasure is incomplete.
        eraseDerived("entries were removed from gallery " + file);
        log().erase(toErase);
        toErase = List.of();
    }

    /** @param done what has already happened, as the beginning of the message */
    private void eraseDerived(String done) {
        eraseFile(SavedGraph.of(file), () -> SavedGraph.erase(file), done);
        if (disk == null) {
            eraseIndex(done);
        } else {
            eraseFromIndex(done);
        }
    }

    private void eraseFromIndex(String done) {
        try {
            Objects.requireNonNull(disk).saved().eraseRemoved(log().length());
        } catch (IOException e) {
            eraseIndex(done);
        }
    }

    private void eraseIndex(String done) {
        eraseFile(SavedIndex.of(file), () -> SavedIndex.erase(file), done);
        if (disk != null) {
            disk.saved().forget();
        }
    }

    private static void eraseFile(Path derived, ConfidentialFile.Step erasure, String done) {
        try {
            erasure.run();
        } catch (IOException e) {
            throw new GalleryException(
                    done + ", but " + derived + " could not be erased: " + AtomicFile.reason(e)
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
        LongColumn newOffsets = new LongColumn();
        PrimitiveIterator.OfInt rows =
                Arrays.stream(segment.rows().view().liveRows()).iterator();
        LogHeader newHeader = newHeader(embeddingMode);
        log = replaceLog(newHeader, segment, offset -> newOffsets.put(rows.nextInt(), offset), () -> {});
        header = newHeader;
        offsets = newOffsets;
        offsetCount = segment.rows().count();
    }

    /**
     * Rewrites the file with the live rows of the current segment, whose embeddings stay in the file, and erases the
     * content of the old file. The rows stay in memory as they are, unless most of them are removed ones: then those
     * are dropped.
     *
     * @param publish replaces the current segment by another one, and returns when nobody reads it any more
     * @throws GalleryException if the file cannot be written; it is unchanged in this case
     */
    void rewriteOnDisk(@Nullable String embeddingMode, Consumer<Segment> publish) {
        DiskSegment old = Objects.requireNonNull(disk);
        Rows.View view = old.rows().view();
        LogHeader newHeader = newHeader(embeddingMode);
        OffsetsAfterRewriting newOffsets = new OffsetsAfterRewriting(view);
        log = replaceLog(newHeader, old, newOffsets, () -> {
            try {
                if (view.live() < view.rows() / 2) {
                    take(loader.onDisk());
                } else {
                    disk = old.movedTo(file, header.dimension(), newOffsets.all());
                    offsets = newOffsets.all();
                    header = newHeader;
                }
                publish.accept(disk);
            } catch (GalleryException e) {
                throw new IOException(e.getMessage(), e);
            }
        });
        save(Objects.requireNonNull(disk));
    }

    private LogHeader newHeader(@Nullable String embeddingMode) {
        return new LogHeader(UUID.randomUUID(), header.dimension(), nextEntry, header.fingerprint(), embeddingMode);
    }

    private LogWriter replaceLog(
            LogHeader newHeader, Segment segment, LongConsumer newOffsets, ConfidentialFile.Step beforeErasing) {
        Rows.View view = segment.rows().view();
        Iterator<LogRecord.Enrolled> entries = IntStream.range(0, view.rows())
                .filter(view::has)
                .mapToObj(row -> Objects.requireNonNull(segment.record(view, row)))
                .iterator();
        String done = "gallery " + file + " was about to be rewritten";
        eraseFile(SavedGraph.of(file), () -> SavedGraph.erase(file), done); // they refer to the old rows
        eraseIndex(done);
        LogWriter replaced = LogWriter.replace(file, opener, newHeader, entries, newOffsets, beforeErasing, log);
        toErase = List.of(); // the file with what was to be erased is overwritten
        return replaced;
    }

    /** Accepts no more changes. What was committed can still be erased. */
    void giveUp() {
        log().giveUp();
    }

    /** Saves what the next opening would have to compute from many entries that were added. */
    void saveIfGrown() {
        if (disk != null && unsavedRows() >= Math.max(MIN_GROWTH, disk.saved().rows() / 2)) {
            save(disk);
        }
    }

    private int unsavedRows() {
        return disk == null ? 0 : disk.rows().count() - disk.saved().rows();
    }

    /** Saves what the next opening would have to compute from the entries. */
    void saveForNextOpening(Segment segment) {
        if (readOnly) {
            return;
        }
        if (segment instanceof MemorySegment memory) {
            if (!memory.rows().hasRemoved() && memory.index() instanceof HnswSearch graph) {
                SavedGraph.write(
                        file, header.id(), log().length(), memory.rows().count(), graph);
            }
        } else if (disk != null && unsavedRows() > disk.saved().rows() / 100) {
            save(disk);
        }
    }

    /** Does nothing if the next opening must read all of the file to find what it has to erase. */
    private void save(DiskSegment segment) {
        if (toErase.isEmpty() && !log().isBroken()) {
            segment.saved().write(header, new SavedIndex.Saved(log().length(), nextEntry));
        }
    }

    private void close(LogWriter writer) {
        try {
            writer.close();
        } catch (IOException e) {
            throw new GalleryException("cannot close gallery " + file + ": " + AtomicFile.reason(e), e);
        }
    }

    @Override
    public void close() {
        try {
            if (log != null) {
                close(log);
            }
        } finally {
            if (lock != null) {
                lock.close();
            }
        }
    }
}
