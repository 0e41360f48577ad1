package org.facerecognition.gallery;

import java.time.Instant;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * An entry with all that a gallery stores of it.
 *
 * @param embedding L2-normalized; owned by the receiver
 * @param attributes empty in a gallery in a file or in memory
 * @param enrolledAt when it was enrolled; null in a gallery in a file or in memory, which does not record it
 */
public record StoredEntry(
        Entry entry,
        float[] embedding,
        Map<String, String> attributes,
        @Nullable Instant enrolledAt) {
    public StoredEntry {
        attributes = Map.copyOf(attributes);
    }
}
