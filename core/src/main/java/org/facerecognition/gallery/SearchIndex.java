package org.facerecognition.gallery;

import java.util.List;

/** Finds rows of {@link Vectors} that are near to a probe. One thread adds; any number of threads search meanwhile. */
interface SearchIndex extends AutoCloseable {
    /**
     * Takes up rows that were written since the last time: {@code from} inclusive, {@code to} exclusive.
     *
     * @param view that has them; the next to be published
     */
    void added(int from, int to, Rows.View view);

    /**
     * Takes note that rows were removed.
     *
     * @param removed in any order
     * @param view without them; the next to be published
     * @return to be run once that view is published and nobody reads a former one: erases what the index itself knows
     *     of the rows
     */
    Runnable removed(int[] removed, Rows.View view);

    /**
     * The identities nearest to each probe, each by its best row.
     *
     * @param probes unit vectors
     * @param view what there is to be found
     * @param most identities
     * @param width neighbors held on the way, where there is one: more finds better
     * @return for each probe up to {@code most}, the best first, equal ones in the order of their rows
     */
    List<List<Hit>> nearest(List<float[]> probes, Rows.View view, int most, int width);

    @Override
    void close();
}
