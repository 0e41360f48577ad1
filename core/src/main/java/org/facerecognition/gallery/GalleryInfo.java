package org.facerecognition.gallery;

/**
 * What a gallery's file is for.
 *
 * @param fingerprint of the model whose embeddings it holds
 * @param dimension their length
 */
public record GalleryInfo(String fingerprint, int dimension) {}
