package org.facerecognition.eval;

import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.facerecognition.data.FaceDataset;

/**
 * Impostor pairs that are too alike to be of different people: probably one image under several names. Few of them
 * change the rates at low false accept rates and the calibrated thresholds.
 *
 * @param pairs the number of impostor pairs with a cosine above {@value #COSINE}, at least 1
 * @param first name of one image of the first of them
 * @param second name of the other image
 */
public record EqualImages(long pairs, String first, String second) {
    /** The cosine above which images of different people are taken for one image. */
    public static final double COSINE = 0.9999;

    /**
     * Looks for such pairs among pairs that are scored already.
     *
     * @param verification pairs of which the faces are known, scored by cosine
     * @param faces the data sets that the faces of the pairs are numbered over, one after another
     * @return empty when no impostor pair has such a cosine
     */
    public static Optional<EqualImages> among(Verification verification, List<FaceDataset> faces) {
        long pairs = 0;
        int first = -1;
        for (int pair = 0; pair < verification.size(); pair++) {
            if (verification.score(pair) > COSINE && !verification.isSame(pair)) {
                first = pairs == 0 ? pair : first;
                pairs++;
            }
        }
        return pairs == 0
                ? Optional.empty()
                : Optional.of(new EqualImages(
                        pairs, name(faces, verification.second(first)), name(faces, verification.first(first))));
    }

    private static String name(List<FaceDataset> parts, int face) {
        int place = face;
        int part = 0;
        while (place >= parts.get(part).size()) {
            place -= parts.get(part++).size();
        }
        return parts.get(part).sample(place).image().name();
    }

    /** Says in a sentence without a full stop how many there are, the first one, and what to do. */
    @Override
    public String toString() {
        return String.format(
                        Locale.ROOT,
                        pairs == 1
                                ? "%,d impostor pair has a cosine above %s: %s and %s"
                                : "%,d impostor pairs have a cosine above %s, the first of them %s and %s",
                        pairs,
                        COSINE,
                        first,
                        second)
                + "; if they show one image, or one person under two names, thresholds are too high and the rates too"
                + " low: remove one of the two, or put both into one person's folder; if they show two people, the"
                + " model does not tell faces apart";
    }
}
