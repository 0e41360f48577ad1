package org.facerecognition.gallery;

import org.jspecify.annotations.Nullable;

/**
 * One enrolled embedding.
 *
 * @param id never used again, even when the entry is removed
 * @param identity name, in the form that was enrolled first
 * @param note that it was enrolled with
 * @param contentKey that it was enrolled with; null for entries of galleries of earlier versions
 */
public record Entry(
        long id,
        String identity,
        @Nullable String note,
        @Nullable String contentKey) {
    /** Without a content key. */
    public Entry(long id, String identity, @Nullable String note) {
        this(id, identity, note, null);
    }
}
