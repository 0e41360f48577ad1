package org.facerecognition.examples;

import java.util.stream.IntStream;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.eval.VerificationSet;

/**
 * {@code all-pairs}: verification over every pair of faces, of all people or of those that a training with the same
 * seed left out.
 */
final class AllPairsProtocol implements EvaluationProtocol {
    private static final int MAX_FACES = 4_000; // 8 million pairs

    @Override
    public void measure(Evaluation evaluation) {
        FaceDataset all = evaluation.data.readAll(evaluation.seed);
        FaceDataset people = evaluation.unseen > 0
                ? all.byIdentity(evaluation.unseen, evaluation.seed).unseen()
                : all;
        FaceDataset faces = atMost(people, MAX_FACES);
        VerificationSet set = VerificationSet.of(faces);
        set.requireMeasurable();
        evaluation.report(set.verify(chosen -> evaluation.embed("faces", chosen)), evaluation.seen(faces));
    }

    /**
     * Returns at most {@code max} faces: the first ones of each person, at least two, of as many people as there are
     * room for, evenly spread over all.
     */
    static FaceDataset atMost(FaceDataset faces, int max) {
        int people = faces.labelsShown().cardinality();
        if (faces.size() <= max) {
            return faces;
        }
        if (2 * people <= max) {
            return faces.withAtMost(Math.max(2, max / people));
        }
        int[] shown = faces.labelsShown().stream().toArray();
        int some = max / 2;
        return faces.withIdentities(IntStream.range(0, some)
                        .mapToObj(i -> faces.identities().get(shown[(int) ((long) i * shown.length / some)]))
                        .toList())
                .withAtMost(2);
    }
}
