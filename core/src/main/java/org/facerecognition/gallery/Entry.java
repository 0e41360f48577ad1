package org.facerecognition.gallery;

import org.jspecify.annotations.Nullable;

/**
 * One enrolled embedding.
 *
 * @param id never used again, even when the entry is removed
 * @param identity name
 * @param note that it was enrolled with: where it comes from, say
 */
public record Entry(long id, String identity, @Nullable String note) {}
