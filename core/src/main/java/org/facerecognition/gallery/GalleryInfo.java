package org.facerecognition.gallery;

import org.jspecify.annotations.Nullable;

/**
 * Describes the embeddings that a gallery's file contains.
 *
 * @param fingerprint identifies the model that computes the embeddings
 * @param dimension number of values of an embedding
 * @param embeddingMode how images were turned into embeddings; null if no mode was bound
 */
public record GalleryInfo(
        String fingerprint, int dimension, @Nullable String embeddingMode) {
    /** Creates a description without an embedding mode. */
    public GalleryInfo(String fingerprint, int dimension) {
        this(fingerprint, dimension, null);
    }
}
