package org.facerecognition.gallery;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * An embedding to be enrolled.
 *
 * @param identity name of the person; see {@link Gallery#checkName}
 * @param embedding of any nonzero norm
 * @param note free text, for example the origin of the image; up to 4,096 bytes of UTF-8
 * @param contentKey distinguishes the image from others, for example a digest of its file, see {@link ContentKey}; up
 *     to 256 bytes of UTF-8. Only {@link Gallery#enrollNewImages}
 *     and {@link Gallery#enrollMissing} compare it
 * @param attributes names and values that the application stores with the entry, and by which {@link
 *     DatabaseGallery#identify(java.util.List, int, double, Map)} selects; up to 256 bytes of UTF-8 per name, 4,096 per
 *     value, and 64 attributes. Only galleries in a database store them; the others reject them
 */
public record Enrollment(
        String identity,
        float[] embedding,
        @Nullable String note,
        @Nullable String contentKey,
        Map<String, String> attributes) {
    public Enrollment {
        attributes = Map.copyOf(attributes);
    }

    /** Creates an enrollment without attributes. */
    public Enrollment(String identity, float[] embedding, @Nullable String note, @Nullable String contentKey) {
        this(identity, embedding, note, contentKey, Map.of());
    }

    /** Creates an enrollment without a content key and attributes. */
    public Enrollment(String identity, float[] embedding, @Nullable String note) {
        this(identity, embedding, note, null);
    }

    /** Creates an enrollment without a note, a content key and attributes. */
    public Enrollment(String identity, float[] embedding) {
        this(identity, embedding, null, null);
    }

    /**
     * Returns this enrollment as a gallery stores it: name, note and content key composed (NFC), the latter two null if
     * they are empty, and the embedding L2-normalized.
     *
     * @param dimension of the gallery
     * @throws IllegalArgumentException if the name is rejected, see {@link Gallery#checkName}; the note or the content
     *     key is too long; or the embedding is zero, not finite, or has the wrong number of values
     */
    public Enrollment checked(int dimension) {
        LogRecord.Enrolled record =
                GalleryArguments.records(List.of(this), dimension).get(0);
        return new Enrollment(record.identity(), record.unit(), record.note(), record.contentKey(), attributes);
    }

    /** Returns the same enrollment with these attributes. */
    public Enrollment withAttributes(Map<String, String> newAttributes) {
        return new Enrollment(identity, embedding, note, contentKey, newAttributes);
    }
}
