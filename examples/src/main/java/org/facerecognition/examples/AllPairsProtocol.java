package org.facerecognition.examples;

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

    /** Returns about {@code max} faces, with the same maximum number for each person, which is at least two. */
    static FaceDataset atMost(FaceDataset faces, int max) {
        return faces.size() <= max ? faces : faces.withAtMost(Math.max(2, max / faces.classes()));
    }
}
