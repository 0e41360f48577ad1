package org.facerecognition.gallery;

import java.util.List;

/**
 * Finds the rows of {@link Vectors} that are nearest to a probe. One thread adds and removes; any number of threads
 * may search concurrently.
 */
interface SearchIndex extends AutoCloseable {
    /**
     * Adds rows that were written since the last call.
     *
     * @param from inclusive
     * @param to exclusive
     * @param view that contains them; published next
     */
    void added(int from, int to, Rows.View view);

    /**
     * Removes rows.
     *
     * @param removed rows, in any order
     * @param view without them; published next
     * @return to be run once that view is published and no reader uses an earlier one: erases the index's own data
     *     about the rows
     */
    Runnable removed(int[] removed, Rows.View view);

    /**
     * Finds the identities nearest to each probe, each represented by its best row.
     *
     * @param probes unit-norm
     * @param view the rows to search
     * @param k largest number of identities per probe
     * @param efSearch number of candidates that an approximate search keeps: higher values find more
     * @return for each probe up to {@code k} hits, the best first, ties in the order of their rows
     */
    List<List<Hit>> nearest(List<float[]> probes, Rows.View view, int k, int efSearch);

    @Override
    void close();
}
