package org.facerecognition.examples;

import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.Split;
import org.facerecognition.eval.ClosedSet;
import org.facerecognition.eval.Embedded;
import org.facerecognition.eval.Identification;
import org.facerecognition.eval.NearestNeighbors;

/**
 * {@code closed-set}: each validation and test face is given to the person whose mean training embedding is nearest,
 * and to the one whom most of the five nearest training faces show.
 */
final class ClosedSetProtocol implements EvaluationProtocol {
    private static final int NEIGHBOURS = 5;

    @Override
    public void measure(Evaluation evaluation) {
        DataOptions data = evaluation.data;
        Embedded known = evaluation.embed("known by", data.read(Split.TRAIN, evaluation.seed));
        measure(evaluation, known, Split.VAL, "val");
        if (data.hasTest(evaluation.seed)) {
            measure(evaluation, known, Split.TEST, "test");
        } else {
            evaluation.report.unmeasured("test_accuracy", "test_accuracy_5nn");
        }
    }

    private static void measure(Evaluation evaluation, Embedded known, Split split, String name) {
        FaceDataset faces = evaluation.data.read(split, evaluation.seed);
        Embedded probes = evaluation.embed(name, faces);
        evaluation.report.figure(name + "_accuracy", ClosedSet.of(known).accuracy(probes));
        evaluation.report.figure(
                name + "_accuracy_5nn", NearestNeighbors.of(known, NEIGHBOURS).accuracy(probes));
        if (split == Split.VAL) {
            evaluation.report.identification(Identification.of(known.centroids(), probes));
        }
    }
}
