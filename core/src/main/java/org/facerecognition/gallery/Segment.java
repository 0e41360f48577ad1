package org.facerecognition.gallery;

/** Rows, their vectors and the index over them: what a compaction or the end of a gallery does away with as a whole. */
final class Segment implements AutoCloseable {
    private final Vectors vectors;
    private final SearchIndex index;
    private final Rows rows = new Rows();

    Segment(int dimension, SearchMethod method) {
        this.vectors = new Vectors(dimension);
        this.index = switch (method) {
            case EXACT -> new ExactSearch(vectors);
            case CODES -> new CodeScan(vectors);
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

    /** Lets the index take up the rows from this one on. */
    void indexFrom(int from) {
        index.added(from, rows.count(), rows.view());
    }

    /** Writes a row for which room was made; the index does not know it yet. */
    void add(LogRecord.Enrolled entry) {
        vectors.put(rows.count(), entry.unit());
        rows.add(entry.entry(), entry.identity(), entry.note(), entry.contentKey());
    }

    /** A row as it is written to a file. */
    LogRecord.Enrolled record(Rows.View view, int row) {
        Entry entry = view.entry(row);
        return new LogRecord.Enrolled(entry.id(), entry.identity(), entry.note(), entry.contentKey(), vectors.get(row));
    }

    /**
     * Marks rows as removed, at one stroke for whoever takes a view.
     *
     * @return to be run when nobody reads a former view any more: what is left of the rows in memory is erased
     */
    Runnable remove(int[] removed) {
        rows.remove(removed);
        Runnable erase = index.removed(removed, rows.view());
        return () -> {
            erase.run();
            for (int row : removed) {
                vectors.erase(row);
            }
            rows.erase(removed);
        };
    }

    /** When nobody reads it. */
    @Override
    public void close() {
        index.close();
        vectors.close();
    }
}
