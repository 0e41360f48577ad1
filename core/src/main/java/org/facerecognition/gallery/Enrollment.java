package org.facerecognition.gallery;

import org.jspecify.annotations.Nullable;

/**
 * An embedding to be enrolled.
 *
 * @param identity name of the person; see {@link Gallery#checkName}
 * @param embedding of any norm but zero
 * @param note for people, for example where the image comes from; up to 4,096 bytes of UTF-8
 * @param contentKey what tells the image from others, for example a digest of its file; up to 256 bytes of UTF-8. The
 *     gallery keeps it and does not look at it
 */
public record Enrollment(
        String identity,
        float[] embedding,
        @Nullable String note,
        @Nullable String contentKey) {
    /** Without a content key. */
    public Enrollment(String identity, float[] embedding, @Nullable String note) {
        this(identity, embedding, note, null);
    }

    /** Without a note and a content key. */
    public Enrollment(String identity, float[] embedding) {
        this(identity, embedding, null, null);
    }
}
