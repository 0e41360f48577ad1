package org.facerecognition.gallery;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The contents of a gallery: the entries in memory, which searches read, and the file, if there is one. Owns both and
 * keeps them consistent.
 */
/*
 * Every change takes one lock, is written to the file first and published in memory second. So whatever a search sees
 * is on the disk, and a change that the disk rejects is never seen.
 */
final class GalleryContents implements AutoCloseable {
    private final int dimension;
    private final SearchMethod method;
    private final boolean readOnly;
    private final @Nullable GalleryStore store; // null for a gallery without a file
    private final Object changeLock = new Object();
    private final Snapshots snapshots = new Snapshots(this::name);
    private volatile @Nullable String embeddingMode;
    private long nextEntry = 1; // guarded by changeLock

    private GalleryContents(@Nullable GalleryStore store, int dimension, SearchMethod method, boolean readOnly) {
        this.store = store;
        this.dimension = dimension;
        this.method = method;
        this.readOnly = readOnly;
    }

    static GalleryContents inMemory(int dimension, SearchMethod method) {
        GalleryContents contents = new GalleryContents(null, dimension, method, false);
        contents.snapshots.replace(new MemorySegment(dimension, method));
        return contents;
    }

    /**
     * Reads a store into memory. A file in an earlier version of the format is rewritten, unless it is opened for
     * reading.
     *
     * @param store owned by the new contents; closed if this method throws
     */
    static GalleryContents load(GalleryStore store, int dimension, SearchMethod method, boolean readOnly) {
        GalleryContents contents = new GalleryContents(store, dimension, method, readOnly);
        @Nullable Segment loaded = null;
        try {
            loaded = store.load(method);
            contents.embeddingMode = store.embeddingMode();
            contents.nextEntry = store.nextEntry();
            if (!readOnly && store.hasOldVersion()) {
                Segment old = loaded;
                loaded = contents.rewritten(old, store.embeddingMode());
                old.close();
                if (method == SearchMethod.ON_DISK) {
                    loaded.close();
                    loaded = null;
                    loaded = store.reload(method);
                }
            }
            contents.snapshots.replace(loaded);
            return contents;
        } catch (RuntimeException | Error e) {
            if (loaded != null) {
                loaded.close();
            }
            store.close();
            throw e;
        }
    }

    // ---- changing ----

    /**
     * Adds entries as one change.
     *
     * @param records with checked texts and unit-norm embeddings; ids and names are set here
     * @return the ids, in order
     */
    long[] enroll(List<LogRecord.Enrolled> records) {
        synchronized (changeLock) {
            Segment segment = writableSnapshot().segment();
            int first = segment.rows().count();
            if (records.size() > Rows.MAX - first) {
                throw new IllegalArgumentException("a gallery must have at most " + Rows.MAX + " entries, but has "
                        + first + " including removed ones and would get " + records.size() + " more; compact it");
            }
            if (nextEntry > LogRecord.MAX_ENTRY - records.size()) { // as in a file that another program has made
                throw new IllegalStateException("no more entries can be enrolled: the next entry's number would be "
                        + nextEntry + "; export this gallery and import it into a new one");
            }
            segment.reserve(first + records.size()); // fails, if at all, before anything is on the disk
            long[] ids = assignIds(records, segment.rows());
            if (store != null) {
                store.enroll(records);
            }
            nextEntry += ids.length;
            follow("enrolled", () -> {
                segment.append(records);
                segment.indexFrom(first);
                snapshots.publish();
            });
            if (store != null) {
                store.saveIfGrown();
            }
            return ids;
        }
    }

    /**
     * Applies to the memory what the file has already. If that fails, no more changes are accepted, since offsets and
     * rows may no longer belong together.
     */
    private void follow(String done, Runnable change) {
        boolean followed = false;
        try {
            change.run();
            followed = true;
        } catch (GalleryException e) { // of embeddings that stay in the file
            throw new GalleryException(
                    "entries were " + done + " in the file, but not in memory; close " + name() + " and open it again: "
                            + e.getMessage(),
                    e);
        } finally {
            if (!followed && store != null) {
                store.giveUp();
            }
        }
    }

    /** Adds the entries that are not there yet as one change; see {@link Gallery#enrollMissing}. */
    long[] enrollMissing(List<LogRecord.Enrolled> records) {
        synchronized (changeLock) {
            Snapshots.Snapshot snapshot = writableSnapshot();
            Segment segment = snapshot.segment();
            List<LogRecord.Enrolled> missing =
                    EntryContent.missing(records, segment.rows()::of, row -> segment.record(snapshot.view(), row));
            return missing.isEmpty() ? new long[0] : enroll(missing);
        }
    }

    /** Adds the images that are not there yet as one change; see {@link Gallery#enrollNewImages}. */
    long[] enrollNewImages(List<LogRecord.Enrolled> records, UniqueIn uniqueIn) {
        synchronized (changeLock) {
            Rows.View view = writableSnapshot().view();
            List<Entry> there = Arrays.stream(view.rowsWith(NewImages.keys(records)))
                    .mapToObj(view::entry)
                    .filter(Objects::nonNull)
                    .toList();
            int[] indices = NewImages.of(records, uniqueIn, there);
            List<LogRecord.Enrolled> added = new ArrayList<>(indices.length);
            Arrays.stream(indices).forEach(i -> added.add(records.get(i)));
            return NewImages.ids(records.size(), indices, added.isEmpty() ? new long[0] : enroll(added));
        }
    }

    /** Gives each record its id, and its name in the form that was enrolled first. */
    private long[] assignIds(List<LogRecord.Enrolled> records, Rows rows) {
        long[] ids = new long[records.size()];
        Map<String, String> nameOfKey = new HashMap<>();
        for (int i = 0; i < ids.length; i++) {
            ids[i] = nextEntry + i;
            LogRecord.Enrolled r = records.get(i);
            String name = nameOfKey.computeIfAbsent(Names.key(r.identity()), key -> rows.storedName(key, r.identity()));
            records.set(i, new LogRecord.Enrolled(ids[i], name, r.note(), r.contentKey(), r.unit()));
        }
        return ids;
    }

    /** Removes and erases all entries of an identity; returns how many there were. */
    int remove(String identity) {
        synchronized (changeLock) {
            Snapshots.Snapshot snapshot = writableSnapshot();
            int[] rows = snapshot.segment().rows().of(identity);
            remove(snapshot, rows);
            return rows.length;
        }
    }

    /** Removes and erases an entry; returns whether it existed. */
    boolean remove(long entry) {
        synchronized (changeLock) {
            Snapshots.Snapshot snapshot = writableSnapshot();
            int row = snapshot.view().row(entry);
            remove(snapshot, row >= 0 ? new int[] {row} : new int[0]);
            return row >= 0;
        }
    }

    private void remove(Snapshots.Snapshot snapshot, int[] rows) {
        if (rows.length == 0) {
            if (store != null) {
                store.erase(); // somebody may repeat a removal whose erasure failed
            }
            return;
        }
        int[] ascending = Arrays.stream(rows).sorted().toArray();
        if (store != null) {
            store.remove(ascending, snapshot.view());
        }
        try {
            follow("removed", () -> snapshots.remove(rows));
        } finally { // the removal is committed, so the entries must leave the disk whatever happens in memory
            if (store != null) {
                store.erase();
            }
        }
    }

    /** Rewrites the file and the memory without removed entries. */
    void compact() {
        synchronized (changeLock) {
            writableSnapshot();
            rewrite(embeddingMode);
        }
    }

    private void rewrite(@Nullable String mode) {
        if (store != null && method == SearchMethod.ON_DISK) {
            store.rewriteOnDisk(mode, snapshots::replace);
        } else {
            snapshots.replace(rewritten(snapshot().segment(), mode));
        }
    }

    /** Returns a new segment without removed rows, from which the file has been rewritten; the old one is unchanged. */
    private Segment rewritten(Segment old, @Nullable String mode) {
        Segment segment = compacted(old);
        try {
            if (store != null) {
                store.rewrite(segment, mode);
            }
            return segment;
        } catch (RuntimeException | Error e) {
            segment.close();
            throw e;
        }
    }

    private Segment compacted(Segment old) {
        Rows.View view = old.rows().view();
        int[] live = view.liveRows();
        Segment segment = new MemorySegment(dimension, method == SearchMethod.ON_DISK ? SearchMethod.EXACT : method);
        try {
            segment.reserve(live.length);
            for (int row : live) {
                segment.append(List.of(Objects.requireNonNull(old.record(view, row))));
            }
            segment.indexFrom(0);
            return segment;
        } catch (RuntimeException | Error e) {
            segment.close();
            throw e;
        }
    }

    /** Binds the gallery to a checked mode, or compares it with the mode that its entries were made in. */
    void bindEmbeddingMode(String mode) {
        synchronized (changeLock) {
            boolean empty = snapshot().view().live() == 0; // then there is nothing that could not be compared
            String bound = embeddingMode;
            if (bound != null && !empty) {
                ModelBinding.checkMode(name(), bound, mode, "file");
            }
            if (!readOnly && (bound == null || !bound.equals(mode))) {
                if (store != null && method == SearchMethod.ON_DISK) {
                    store.rewriteOnDisk(mode, snapshots::replace);
                } else if (store != null) {
                    store.rewrite(snapshot().segment(), mode);
                }
                embeddingMode = mode;
            }
        }
    }

    /** Returns the current snapshot to a caller that holds {@code changeLock}. */
    private Snapshots.Snapshot writableSnapshot() {
        if (readOnly) {
            throw new IllegalStateException(name() + " is open for reading; open it for writing to change it");
        }
        return snapshot();
    }

    // ---- reading ----

    /**
     * Returns the current snapshot. Its rows may be erased or freed at any time; see {@link #read}.
     *
     * @throws IllegalStateException if the gallery is closed
     */
    Snapshots.Snapshot snapshot() {
        return snapshots.current();
    }

    /** Applies a query to a snapshot that is neither erased nor freed until the query returns. */
    <T> T read(Function<Snapshots.Snapshot, T> query) {
        return snapshots.read(query);
    }

    @Nullable
    String embeddingMode() {
        return embeddingMode;
    }

    long tornBytes() {
        return store == null ? 0 : store.tornBytes();
    }

    /** Waits for searches in progress, saves the graph, frees the memory and releases the file. */
    @Override
    public void close() {
        synchronized (changeLock) {
            try {
                snapshots.close(segment -> {
                    if (store != null) {
                        store.saveForNextOpening(segment);
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
        Snapshots.Snapshot snapshot = snapshots.currentOrNull();
        return "Gallery " + (store == null ? "in memory" : store.file()) + ": "
                + (snapshot == null
                        ? "closed"
                        : snapshot.view().live() + " entries of "
                                + snapshot.view().liveGroups() + " people");
    }
}
