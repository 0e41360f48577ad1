package org.facerecognition.gallery;

import org.jspecify.annotations.Nullable;

/**
 * What a gallery's file is for.
 *
 * @param fingerprint of the model whose embeddings it holds
 * @param dimension length of the embeddings
 * @param embeddingMode how images became embeddings; null where nobody has said it
 */
public record GalleryInfo(
        String fingerprint, int dimension, @Nullable String embeddingMode) {
    /** Without an embedding mode. */
    public GalleryInfo(String fingerprint, int dimension) {
        this(fingerprint, dimension, null);
    }
}
