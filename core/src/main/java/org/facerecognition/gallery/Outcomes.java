package org.facerecognition.gallery;

import java.util.List;

/** Turns what a search found into the outcome of an identification. */
final class Outcomes {
    private Outcomes() {}

    /** @param nearest the nearest identities, the best first */
    static Outcome of(List<Match> nearest, double threshold) {
        List<Match> matches =
                nearest.stream().filter(match -> match.cosine() >= threshold).toList();
        return matches.isEmpty() ? new Outcome.Unknown(nearest.stream().findFirst()) : new Outcome.Known(matches);
    }
}
