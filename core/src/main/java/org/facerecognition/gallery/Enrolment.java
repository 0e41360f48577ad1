package org.facerecognition.gallery;

import org.jspecify.annotations.Nullable;

/**
 * An embedding to be enrolled.
 *
 * @param identity name
 * @param embedding of any length but zero
 * @param note where it comes from, say
 */
public record Enrolment(
        String identity, float[] embedding, @Nullable String note) {
    /** Without a note. */
    public Enrolment(String identity, float[] embedding) {
        this(identity, embedding, null);
    }
}
