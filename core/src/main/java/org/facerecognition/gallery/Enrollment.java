package org.facerecognition.gallery;

import org.jspecify.annotations.Nullable;

/**
 * An embedding to be enrolled.
 *
 * @param identity name of the person; see {@link Gallery#checkName}
 * @param embedding of any nonzero norm
 * @param note free text, for example the origin of the image; up to 4,096 bytes of UTF-8
 * @param contentKey distinguishes the image from others, for example a digest of its file, see {@link ContentKey}; up
 *     to 256 bytes of UTF-8. The gallery stores it but does not use it
 */
public record Enrollment(
        String identity,
        float[] embedding,
        @Nullable String note,
        @Nullable String contentKey) {
    /** Creates an enrollment without a content key. */
    public Enrollment(String identity, float[] embedding, @Nullable String note) {
        this(identity, embedding, note, null);
    }

    /** Creates an enrollment without a note and a content key. */
    public Enrollment(String identity, float[] embedding) {
        this(identity, embedding, null, null);
    }
}
