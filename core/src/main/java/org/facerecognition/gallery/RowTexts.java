package org.facerecognition.gallery;

import java.util.function.IntUnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * The names, notes and content keys of {@link Rows}, and which names are one group. One thread changes it; any thread
 * may read the entries of a view.
 */
interface RowTexts {
    /** Stands for a group that does not exist. */
    int NO_GROUP = -1;

    /**
     * Returns the group of a name.
     *
     * @param key of the name
     * @param rowOf returns a row of a group, or a negative number if it has none
     */
    int group(String key, IntUnaryOperator rowOf);

    /** Takes a new group, numbered by the next number. */
    void groupAdded(int group, String key, String name);

    /** Takes the texts of a new row. */
    void rowAdded(int row, @Nullable String note, @Nullable String contentKey);

    /** Drops the name of a group without rows. */
    void eraseGroup(int group);

    /** Drops the texts of a removed row. */
    void eraseRow(int row);

    /**
     * Returns a row that a view has.
     *
     * @return null if another process has erased it
     */
    @Nullable
    Entry entry(int row, long id, int group);
}
