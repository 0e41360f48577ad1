package org.facerecognition.examples;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Pattern;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.Split;
import org.facerecognition.eval.VerificationSet;
import org.jspecify.annotations.Nullable;

/**
 * People that a training does not see, to be told apart after each epoch.
 *
 * @param fraction of the data's people that are left out; 0 for none
 * @param seed of the choice
 * @param faces of those people; null for none
 */
record UnseenPeople(double fraction, long seed, @Nullable VerificationSet faces) {
    private static final Pattern NUMBER = Pattern.compile("\\d*\\.?\\d+");
    private static final int MOST_FACES = 2_000; // two million pairs

    /**
     * @param option what the command line says: a fraction, a folder, or null for nobody
     * @throws IllegalArgumentException when it is neither
     */
    static UnseenPeople of(@Nullable String option, DataOptions data, long seed) {
        if (option == null) {
            return new UnseenPeople(0, seed, null);
        }
        Path folder = Path.of(option);
        if (Files.isDirectory(folder)) {
            FaceDataset people = FaceDataset.folders(folder, Split.TRAIN, 0, 0, seed)
                    .withFraming(data.read(Split.TRAIN, seed).framing());
            return new UnseenPeople(0, seed, verified(people));
        }
        if (!NUMBER.matcher(option).matches()) {
            throw new IllegalArgumentException(
                    "--verify-on-unseen must be a fraction in (0, 1) or a folder, but was \"" + option + "\"");
        }
        double fraction = Double.parseDouble(option);
        return new UnseenPeople(
                fraction,
                seed,
                verified(data.readAll(seed).byIdentity(fraction, seed).unseen()));
    }

    private static VerificationSet verified(FaceDataset people) {
        return VerificationSet.of(AllPairsProtocol.atMost(people, MOST_FACES));
    }

    /** What is left of a part of the data. */
    FaceDataset trainedOn(FaceDataset part) {
        return fraction > 0 ? part.byIdentity(fraction, seed).seen() : part;
    }
}
