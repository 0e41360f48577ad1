package org.facerecognition.examples;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.NoImagesException;
import org.facerecognition.data.Split;
import org.facerecognition.eval.VerificationSet;
import org.jspecify.annotations.Nullable;

/**
 * People who are left out of a training, so that verification can be measured on them after each epoch.
 *
 * @param seen the names of the people who are trained on; null for all people
 * @param faces the faces of the people who are not; null for none
 */
record UnseenPeople(@Nullable List<String> seen, @Nullable VerificationSet faces) {
    private static final Pattern NUMBER = Pattern.compile("\\d*\\.?\\d+");
    private static final int MAX_FACES = 2_000; // two million pairs

    /**
     * Reads the people of --verify-on-unseen.
     *
     * @param option the option's value: a fraction, a folder, or null for none
     * @throws IllegalArgumentException when it is neither a fraction nor a folder
     */
    static UnseenPeople of(@Nullable String option, DataOptions data, long seed) {
        if (option == null) {
            return new UnseenPeople(null, null);
        }
        Path folder = PathConverter.path(option);
        if (Files.isDirectory(folder)) {
            FaceDataset people = FaceDataset.folders(folder, Split.TRAIN, 0, 0, seed)
                    .withCrop(data.read(Split.TRAIN, seed).crop());
            data.report(people.notes());
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

    /** Returns a part of the data without the people left out; empty when it has no others. */
    Optional<FaceDataset> ifTrainedOn(FaceDataset part) {
        try {
            return Optional.of(trainedOn(part));
        } catch (NoImagesException e) {
            return Optional.empty();
        }
    }

    /**
     * Returns a part of the data without the people left out.
     *
     * @throws NoImagesException when it has no others
     */
    FaceDataset trainedOn(FaceDataset part) {
        return seen == null ? part : part.withIdentities(seen);
    }
}
