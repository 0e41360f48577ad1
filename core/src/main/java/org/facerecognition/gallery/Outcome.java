package org.facerecognition.gallery;

import java.util.List;
import java.util.Optional;

/**
 * Who a probe is: people of the gallery, or nobody of it. Most faces in the world are not in a gallery, so that "unknown" is
 * an answer and not an empty list of the other one.
 */
public sealed interface Outcome {
    /**
     * The identities whose best entry reaches the threshold.
     *
     * @param matches at least one, the best first; of equal cosines the one enrolled earlier
     */
    record Known(List<Match> matches) implements Outcome {
        public Known {
            matches = List.copyOf(matches);
            if (matches.isEmpty()) {
                throw new IllegalArgumentException("matches must not be empty, or it is an unknown");
            }
        }

        @Override
        public Optional<Match> best() {
            return Optional.of(matches.get(0));
        }
    }

    /**
     * Nobody reaches the threshold.
     *
     * @param nearest the identity that comes nearest all the same: to be looked at, not to be taken for an answer. Empty where
     *     the gallery is
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

    /** All matches, the best first; empty for an unknown. */
    List<Match> matches();

    /** The best match; empty for an unknown. */
    Optional<Match> best();

    /** Whether somebody was found. */
    default boolean isKnown() {
        return this instanceof Known;
    }
}
