package org.facerecognition.data;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.facerecognition.data.FacePairs.Pair;

/**
 * Counts the pairs of a list that change the figures and show nothing new: pairs that are listed again, also with their
 * images exchanged, and, in files that hold the images themselves, pairs of an image with itself and pairs that are
 * said to be of one person and of two. They stay, since published lists may have them.
 */
final class RepeatedPairs {
    private RepeatedPairs() {}

    /** Two images in any order. */
    record Key(Set<Object> images) {
        /** Returns the key of a pair; that of a pair of an image with itself has one image. */
        static Key of(Pair pair) {
            Object first = contentOrSource(pair.first());
            Object second = contentOrSource(pair.second());
            return new Key(first.equals(second) ? Set.of(first) : Set.of(first, second));
        }

        private static Object contentOrSource(ImageSource image) {
            return image instanceof FacePairs.InFile inFile ? inFile.content() : image;
        }
    }

    /**
     * Returns a warning for each kind of such pairs, with their number and the first of them; none if there are none.
     *
     * @param pairs whose images are the same if they are equal, or, in insightface's files, have the same bytes
     */
    static List<String> notes(List<Pair> pairs) {
        Map<Key, Boolean> seen = new HashMap<>();
        List<Pair> ofOneImage = new ArrayList<>();
        List<Pair> contradictions = new ArrayList<>();
        List<Pair> again = new ArrayList<>();
        for (Pair pair : pairs) {
            Key key = Key.of(pair);
            Boolean former = seen.putIfAbsent(key, pair.same());
            if (key.images().size() == 1) {
                ofOneImage.add(pair);
            } else if (former != null) {
                (former == pair.same() ? again : contradictions).add(pair);
            }
        }
        return Stream.of(
                        note(ofOneImage, "of an image with itself", "leave such pairs out"),
                        note(contradictions, "listed as one person's and as two people's", "correct the list"),
                        note(
                                again,
                                "listed again, in this order or the other",
                                "leave repetitions out, unless the list is published so"))
                .flatMap(Optional::stream)
                .toList();
    }

    private static Optional<String> note(List<Pair> pairs, String what, String advice) {
        return pairs.stream()
                .findFirst()
                .map(pair -> "warning: " + PassedOver.count(pairs.size(), "pair is ", "pairs are ") + what
                        + ", the first of " + pair.first().name() + " and "
                        + pair.second().name() + "; this changes the figures: " + advice);
    }
}
