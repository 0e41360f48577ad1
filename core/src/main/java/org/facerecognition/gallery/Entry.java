package org.facerecognition.gallery;

import org.jspecify.annotations.Nullable;

/**
 * One enrolled embedding.
 *
 * @param id unique in the gallery; never reused, even after the entry is removed
 * @param identity name of the person, in the form that was enrolled first
 * @param note the note that it was enrolled with; null if there was none
 * @param contentKey the content key that it was enrolled with; null if there was none, as in galleries of earlier
 *     versions
 */
public record Entry(
        long id,
        String identity,
        @Nullable String note,
        @Nullable String contentKey) {
    /** Creates an entry without a content key. */
    public Entry(long id, String identity, @Nullable String note) {
        this(id, identity, note, null);
    }
}
