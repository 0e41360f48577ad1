package org.facerecognition.gallery;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The rows of a gallery and the index over them. One thread changes it; any number of threads may read the rows of a
 * published view. A compaction replaces the whole segment; closing the gallery closes it.
 */
interface Segment extends AutoCloseable {
    /** Returns the rows, for lookups by name and for views. */
    Rows rows();

    /**
     * Makes room for a total number of rows.
     *
     * @throws OutOfMemoryError if there is not enough memory
     */
    void reserve(int count);

    /** Appends rows, for which there must be room. The entries of a file must be in it already. */
    void append(List<LogRecord.Enrolled> entries);

    /** Removes a row while a file is read, before anybody else knows the segment. */
    void removeLoaded(int row);

    /** Adds the rows from this one to the last, which were appended after loading, to the index. */
    void indexFrom(int first);

    /**
     * Returns a row of a view with its embedding.
     *
     * @return null if another process has erased it
     */
    LogRecord.@Nullable Enrolled record(Rows.View view, int row);

    /**
     * Finds the identities nearest to each probe, each represented by its best row.
     *
     * @see SearchIndex#nearest
     */
    List<List<Hit>> nearest(List<float[]> probes, Rows.View view, int k, int efSearch);

    /**
     * Marks rows as removed, atomically for readers that take a view.
     *
     * @return to be run once no reader uses an earlier view: erases what is left of the rows in memory
     */
    Runnable remove(int[] removed);

    /** Frees the memory. It must have no readers. */
    @Override
    void close();
}
