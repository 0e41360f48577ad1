package org.facerecognition.gallery;

import java.util.List;
import java.util.Optional;

/**
 * The outcome of an identification: known, with the matching identities, or unknown. Most faces in the world are not in
 * a gallery, so "unknown" is an outcome with its own type and not merely an empty list of matches.
 */
public sealed interface Outcome {
    /**
     * At least one identity reaches the threshold.
     *
     * @param matches the identities whose best entry reaches the threshold, the best first; ties in the order of
     *     enrollment
     */
    record Known(List<Match> matches) implements Outcome {
        public Known {
            matches = List.copyOf(matches);
            if (matches.isEmpty()) {
                throw new IllegalArgumentException("matches must not be empty; use Unknown for no match");
            }
        }

        @Override
        public Optional<Match> best() {
            return Optional.of(matches.get(0));
        }
    }

    /**
     * No identity reaches the threshold.
     *
     * @param nearest the nearest identity below the threshold, for diagnosis and not as an answer; empty if the gallery
     *     is empty
     */
    record Unknown(Optional<Match> nearest) implements Outcome {
        @Override
        public List<Match> matches() {
            return List.of();
        }

        @Override
        public Optional<Match> best() {
            return Optional.empty();
        }
    }

    /** Returns all matches, the best first; empty if the probe is unknown. */
    List<Match> matches();

    /** Returns the best match; empty if the probe is unknown. */
    Optional<Match> best();

    /** Returns whether at least one identity matches. */
    default boolean isKnown() {
        return this instanceof Known;
    }
}
