package org.facerecognition.gallery;

import org.jspecify.annotations.Nullable;

/**
 * A candidate identity for a probe, represented by its best entry.
 *
 * @param identity name of the person
 * @param entry id of the identity's entry nearest to the probe
 * @param cosine similarity of the entry and the probe, in [-1, 1]
 * @param note the note of the entry; null if it has none
 */
public record Match(
        String identity,
        long entry,
        double cosine,
        @Nullable String note) {}
