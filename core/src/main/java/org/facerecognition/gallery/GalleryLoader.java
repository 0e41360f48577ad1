package org.facerecognition.gallery;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import org.facerecognition.io.AtomicFile;
import org.facerecognition.io.Existence;
import org.facerecognition.io.LockedException;
import org.facerecognition.io.WriterLock;

/** Locks a gallery's file for a writer, and reads it, and what is saved beside it, into a segment. */
final class GalleryLoader {
    private static final int MAX_ATTEMPTS = 20;
    private static final int PAUSE_MILLIS = 2;
    private static final SavedIndex.Saved NOTHING_SAVED = new SavedIndex.Saved(0, 1);

    private final Path file;
    private final String fingerprint;
    private final int dimension;
    private final boolean readOnly;

    /**
     * What was read.
     *
     * @param segment owned by the receiver
     * @param offsets of its rows in the file; a {@link DiskSegment} reads them too
     * @param nextEntry lowest id that is not used
     */
    record Loaded(Segment segment, LongColumn offsets, long nextEntry, LogReader.Result read) {}

    GalleryLoader(Path file, String fingerprint, int dimension, boolean readOnly) {
        this.file = file;
        this.fingerprint = fingerprint;
        this.dimension = dimension;
        this.readOnly = readOnly;
    }

    /** Follows symbolic links; otherwise a compaction would replace the link and not the file that it points to. */
    static Path real(Path file) {
        exists(file); // fails where a link leads to a disk that is not mounted, so that no gallery is created there
        try {
            return AtomicFile.real(file);
        } catch (IOException e) {
            throw new GalleryException("cannot read gallery " + file + ": " + AtomicFile.reason(e), e);
        }
    }

    /** @throws GalleryException if that cannot be told */
    static boolean exists(Path file) {
        try {
            return Existence.of(file);
        } catch (IOException e) {
            throw new GalleryException("cannot read gallery " + file + ": " + AtomicFile.reason(e), e);
        }
    }

    private static Path lockFile(Path file) {
        return file.resolveSibling(file.getFileName() + ".lock");
    }

    /** Keeps other writers out; owned. */
    static WriterLock lock(Path file) {
        try {
            return WriterLock.ofConfidential(lockFile(file), "a gallery writer");
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

    Loaded load(SearchMethod method) {
        return readOnly ? whole(file, () -> loadOnce(method)) : loadOnce(method);
    }

    /**
     * Reads which model a file belongs to.
     *
     * @throws GalleryException if the header cannot be read or is damaged
     */
    static GalleryInfo info(Path file) {
        return whole(file, () -> LogReader.header(file).info());
    }

    /** Reads a file again if a writer in another process erased an entry or replaced the file in the meantime. */
    private static <T> T whole(Path file, Supplier<T> reading) {
        for (int attempt = 1; ; attempt++) {
            try {
                return reading.get();
            } catch (GalleryException e) {
                if (attempt == MAX_ATTEMPTS || !e.isDamage()) {
                    throw e;
                }
                if (attempt > 1 && !Files.exists(lockFile(real(file)))) { // there is no writer
                    throw e;
                }
                pause();
            }
        }
    }

    /** Waits for a writer in another process. */
    static void pause() {
        try {
            Thread.sleep(PAUSE_MILLIS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private Loaded loadOnce(SearchMethod method) {
        if (method != SearchMethod.ON_DISK) {
            return inMemory(method);
        }
        // embeddings of the first version of the format, which is rewritten if it is opened for writing, fit in memory
        return LogReader.header(file).version() == LogHeader.VERSION ? onDisk() : inMemory(SearchMethod.RABITQ);
    }

    private Loaded inMemory(SearchMethod method) {
        MemorySegment segment = new MemorySegment(dimension, method);
        try {
            Loaded loaded = replay(segment, new LongColumn(), NOTHING_SAVED);
            if (!readOnly) {
                SavedIndex.eraseIfAhead(file);
                SavedGraph.eraseIfAhead(
                        file, loaded.read().header().id(), segment.rows().count());
            }
            boolean mayHaveGraph = loaded.read().pendingErasures().isEmpty();
            if (mayHaveGraph && segment.index() instanceof HnswSearch graph) {
                Rows.View rows = segment.rows().view();
                segment.indexed(SavedGraph.read(file, loaded.read().header().id(), rows, graph));
            }
            segment.finishLoading();
            return loaded;
        } catch (RuntimeException | Error e) {
            segment.close();
            throw e;
        }
    }

    /** Reads the index that is saved beside the file, if it can be used, and what is not in it. */
    Loaded onDisk() {
        DiskSegment segment = new DiskSegment(file, dimension, new LongColumn());
        try {
            LogHeader header = segment.header();
            ModelBinding.check("gallery " + file, header.info(), fingerprint, dimension, "file");
            SavedIndex.Saved saved = NOTHING_SAVED;
            try {
                saved = segment.saved().read(header);
            } catch (IOException | GalleryException e) { // whatever else is wrong is found when all of the file is read
                segment.close();
                eraseIndex();
                segment = new DiskSegment(file, dimension, new LongColumn());
                saved = NOTHING_SAVED;
            }
            Loaded loaded = replay(segment, segment.offsets(), saved);
            if (!segment.header().id().equals(loaded.read().header().id())) {
                throw GalleryException.damage(
                        "gallery " + file + " is damaged or was replaced while it was read; open it again");
            }
            if (!readOnly) {
                SavedGraph.eraseIfAhead(
                        file, loaded.read().header().id(), segment.rows().count());
            }
            return loaded;
        } catch (RuntimeException | Error e) {
            segment.close();
            throw e;
        }
    }

    private void eraseIndex() {
        if (!readOnly) {
            try {
                SavedIndex.erase(file);
            } catch (IOException e) {
                // the next one that is saved replaces it
            }
        }
    }

    /** Reads what is behind a saved index into a segment. */
    private Loaded replay(Segment segment, LongColumn offsets, SavedIndex.Saved saved) {
        Replay replay = new Replay(segment, offsets, saved.nextEntry());
        LogReader.Result result = LogReader.read(file, fingerprint, dimension, saved.end(), replay);
        replay.flush();
        long nextEntry = Math.max(replay.nextEntry, result.header().firstEntry());
        return new Loaded(segment, offsets, nextEntry, result);
    }

    /** Adds the entries of a file to a segment. */
    private static final class Replay implements LogReader.Sink {
        private static final int BATCH = 1_024;

        private final Segment segment;
        private final LongColumn offsets;
        private final List<LogRecord.Enrolled> batch = new ArrayList<>(BATCH);
        private long nextEntry;

        Replay(Segment segment, LongColumn offsets, long nextEntry) {
            this.segment = segment;
            this.offsets = offsets;
            this.nextEntry = nextEntry;
        }

        @Override
        public void enrolled(LogRecord.Enrolled entry, long offset) {
            if (entry.entry() < nextEntry) {
                throw new IllegalStateException("entry " + entry.entry() + " occurs a second time");
            }
            offsets.put(segment.rows().count() + batch.size(), offset);
            batch.add(entry);
            if (batch.size() == BATCH) {
                flush();
            }
            idTaken(entry.entry());
        }

        void flush() {
            segment.reserve(segment.rows().count() + batch.size());
            segment.append(batch);
            batch.clear();
        }

        @Override
        public void idTaken(long entry) {
            nextEntry = Math.max(nextEntry, entry + 1);
        }

        @Override
        public void removed(long entry) {
            flush();
            int row = segment.rows().view().row(entry);
            if (row >= 0) {
                segment.removeLoaded(row);
            }
        }
    }
}
