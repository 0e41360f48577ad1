package org.facerecognition.examples;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import org.facerecognition.data.DataException;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.Split;
import org.facerecognition.eval.VerificationSet;
import org.jspecify.annotations.Nullable;

/**
 * People that a training does not see, to be told apart after each epoch.
 *
 * @param seen the people that are trained on; null for everybody
 * @param faces of those who are not; null for nobody
 */
record UnseenPeople(@Nullable List<String> seen, @Nullable VerificationSet faces) {
    private static final Pattern NUMBER = Pattern.compile("\\d*\\.?\\d+");
    private static final int MAX_FACES = 2_000; // two million pairs

    /**
     * @param option what the command line says: a fraction, a folder, or null for nobody
     * @throws IllegalArgumentException when it is neither
     */
    static UnseenPeople of(@Nullable String option, DataOptions data, long seed) {
        if (option == null) {
            return new UnseenPeople(null, null);
        }
        Path folder = Path.of(option);
        if (Files.isDirectory(folder)) {
            FaceDataset people = FaceDataset.folders(folder, Split.TRAIN, 0, 0, seed)
                    .withCrop(data.read(Split.TRAIN, seed).crop());
            data.tell(people.notes());
            return new UnseenPeople(null, verified(people));
        }
        if (!NUMBER.matcher(option).matches()) {
            throw new IllegalArgumentException(
                    "--verify-on-unseen must be a fraction in (0, 1) or a folder, but was \"" + option + "\"");
        }
        FaceDataset.ByIdentity people = data.readAll(seed).byIdentity(Double.parseDouble(option), seed);
        return new UnseenPeople(people.seen().identities(), verified(people.unseen()));
    }

    private static VerificationSet verified(FaceDataset people) {
        return VerificationSet.of(AllPairsProtocol.atMost(people, MAX_FACES));
    }

    /** What is left of a part of the data; empty when it shows only people that go unseen. */
    Optional<FaceDataset> ifTrainedOn(FaceDataset part) {
        try {
            return Optional.of(trainedOn(part));
        } catch (DataException e) {
            return Optional.empty();
        }
    }

    /** What is left of a part of the data. */
    FaceDataset trainedOn(FaceDataset part) {
        return seen == null ? part : part.withIdentities(seen);
    }
}
