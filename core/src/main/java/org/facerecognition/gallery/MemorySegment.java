package org.facerecognition.gallery;

import java.util.List;
import java.util.Objects;

/** A segment that holds everything in memory. Owns the vectors and the index. */
final class MemorySegment implements Segment {
    private final Vectors vectors;
    private final SearchIndex index;
    private final Rows rows = new Rows(new MemoryTexts());
    private int loaded; // number of rows that a saved index has

    MemorySegment(int dimension, SearchMethod method) {
        this.vectors = new Vectors(dimension);
        this.index = switch (method) {
            case EXACT -> new ExactSearch(vectors);
            case RABITQ -> new RabitqSearch(vectors);
            case HNSW -> new HnswSearch(vectors);
            case ON_DISK -> throw new IllegalArgumentException("embeddings on a disk need a file");
        };
    }

    Vectors vectors() {
        return vectors;
    }

    SearchIndex index() {
        return index;
    }

    @Override
    public Rows rows() {
        return rows;
    }

    @Override
    public void reserve(int count) {
        vectors.reserve(count);
    }

    @Override
    public void append(List<LogRecord.Enrolled> entries) {
        for (LogRecord.Enrolled entry : entries) {
            vectors.put(rows.count(), entry.unit());
            rows.add(entry.entry(), entry.identity(), entry.note(), entry.contentKey());
        }
    }

    @Override
    public void removeLoaded(int row) {
        rows.remove(new int[] {row}); // the index is built later
    }

    /** Reports that a saved index of the first rows was read. */
    void indexed(int count) {
        loaded = count;
    }

    /** Builds the rest of the index after a file was read. */
    void finishLoading() {
        indexFrom(loaded);
    }

    @Override
    public void indexFrom(int first) {
        index.added(first, rows.count(), rows.view());
    }

    @Override
    public LogRecord.Enrolled record(Rows.View view, int row) {
        Entry entry = Objects.requireNonNull(view.entry(row));
        return new LogRecord.Enrolled(entry.id(), entry.identity(), entry.note(), entry.contentKey(), vectors.get(row));
    }

    @Override
    public List<List<Hit>> nearest(List<float[]> probes, Rows.View view, int k, int efSearch) {
        return index.nearest(probes, view, k, efSearch);
    }

    @Override
    public Runnable remove(int[] removed) {
        rows.remove(removed);
        Runnable eraseFromIndex = index.removed(removed, rows.view());
        return () -> {
            eraseFromIndex.run();
            for (int row : removed) {
                vectors.erase(row);
            }
            rows.erase(removed);
        };
    }

    @Override
    public void close() {
        index.close();
        vectors.close();
    }
}
