package org.facerecognition.examples;

import java.util.BitSet;
import java.util.Optional;
import org.facerecognition.Recognizer;
import org.facerecognition.Threshold;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.eval.Embedded;
import org.facerecognition.eval.Verification;
import org.facerecognition.gallery.Gallery;
import org.facerecognition.gallery.Match;

/**
 * What the demonstration measures on people whom the network does not know.
 *
 * @param verification all pairs of their images
 * @param threshold for verification, calibrated on a third group of people
 * @param openSetThreshold for identification, likewise
 * @param enrolled number of people in the gallery
 * @param mated number of other images of these people
 * @param identified how many of the mated images are identified as the right person
 * @param confused how many of the mated images are identified as another person
 * @param nonMated number of images of people who are not in the gallery
 * @param accepted how many of the non-mated images are taken for a person in the gallery
 */
record DemoFigures(
        Verification verification,
        Threshold threshold,
        Threshold openSetThreshold,
        int enrolled,
        int mated,
        int identified,
        int confused,
        int nonMated,
        int accepted) {
    static final int ENROLLED_IMAGES = 3;

    /** Embeds the unseen people, compares all pairs, and identifies them in a gallery of half of them. */
    static DemoFigures measure(
            Recognizer recognizer, FaceDataset unseen, Threshold threshold, Threshold openSetThreshold) {
        Embedded faces = recognizer.embed(unseen);
        int enrolled = (unseen.classes() + 1) / 2;
        int mated = 0;
        int identified = 0;
        int confused = 0;
        int nonMated = 0;
        int accepted = 0;
        try (Gallery gallery = Gallery.inMemory(recognizer.fingerprint(), recognizer.embeddingSize())) {
            BitSet inGallery = firstImages(faces.labels(), enrolled);
            inGallery.stream()
                    .forEach(i -> gallery.enroll(unseen.identities().get(faces.labels()[i]), faces.embeddings()[i]));
            for (int i = inGallery.nextClearBit(0); i < unseen.size(); i = inGallery.nextClearBit(i + 1)) {
                Optional<String> found = gallery.identify(faces.embeddings()[i], 1, openSetThreshold.cosine())
                        .best()
                        .map(Match::identity);
                int label = faces.labels()[i];
                if (label >= enrolled) {
                    nonMated++;
                    accepted += found.isPresent() ? 1 : 0;
                } else {
                    mated++;
                    boolean right = found.equals(Optional.of(unseen.identities().get(label)));
                    identified += right ? 1 : 0;
                    confused += found.isPresent() && !right ? 1 : 0;
                }
            }
        }
        return new DemoFigures(
                Verification.ofAllPairs(faces),
                threshold,
                openSetThreshold,
                enrolled,
                mated,
                identified,
                confused,
                nonMated,
                accepted);
    }

    /** Returns the positions of the first images of each person whose label is below {@code people}. */
    private static BitSet firstImages(int[] labels, int people) {
        BitSet first = new BitSet();
        int[] taken = new int[people];
        for (int i = 0; i < labels.length; i++) {
            if (labels[i] < people && taken[labels[i]]++ < ENROLLED_IMAGES) {
                first.set(i);
            }
        }
        return first;
    }

    /** Share of genuine pairs at or above the threshold, in [0, 1]; NaN without such pairs. */
    double trueAcceptRate() {
        return verification.roc().tar(threshold.cosine());
    }

    /** Share of impostor pairs at or above the threshold, in [0, 1]; NaN without such pairs. */
    double falseAcceptRate() {
        return verification.roc().far(threshold.cosine());
    }
}
