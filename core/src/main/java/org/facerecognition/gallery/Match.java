package org.facerecognition.gallery;

import org.jspecify.annotations.Nullable;

/**
 * An identity that a probe resembles, by its best entry.
 *
 * @param identity name
 * @param entry id of the identity's entry nearest to the probe
 * @param cosine of the angle between the two, in [-1, 1]
 * @param note that the entry was enrolled with
 */
public record Match(
        String identity,
        long entry,
        double cosine,
        @Nullable String note) {}
