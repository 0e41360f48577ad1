package org.facerecognition.gallery;

/**
 * The rows of a gallery in memory, their vectors and the index over them. A compaction replaces the whole segment;
 * closing the gallery closes it. Owns the vectors and the index.
 */
final class Segment implements AutoCloseable {
    private final Vectors vectors;
    private final SearchIndex index;
    private final Rows rows = new Rows();

    Segment(int dimension, SearchMethod method) {
        this.vectors = new Vectors(dimension);
        this.index = switch (method) {
            case EXACT -> new ExactSearch(vectors);
            case RABITQ -> new RabitqSearch(vectors);
            case HNSW -> new HnswSearch(vectors);
        };
    }

    Vectors vectors() {
        return vectors;
    }

    SearchIndex index() {
        return index;
    }

    Rows rows() {
        return rows;
    }

    /** Adds the rows from this one to the last to the index. */
    void indexFrom(int from) {
        index.added(from, rows.count(), rows.view());
    }

    /** Appends a row, for which memory must be reserved; {@link #indexFrom} adds it to the index. */
    void add(LogRecord.Enrolled entry) {
        vectors.put(rows.count(), entry.unit());
        rows.add(entry.entry(), entry.identity(), entry.note(), entry.contentKey());
    }

    /** Returns a row as the record that is written to a file. */
    LogRecord.Enrolled record(Rows.View view, int row) {
        Entry entry = view.entry(row);
        return new LogRecord.Enrolled(entry.id(), entry.identity(), entry.note(), entry.contentKey(), vectors.get(row));
    }

    /**
     * Marks rows as removed, atomically for readers that take a view.
     *
     * @return to be run once no reader uses an earlier view: erases what is left of the rows in memory
     */
    Runnable remove(int[] removed) {
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

    /** Frees the memory. It must have no readers. */
    @Override
    public void close() {
        index.close();
        vectors.close();
    }
}
