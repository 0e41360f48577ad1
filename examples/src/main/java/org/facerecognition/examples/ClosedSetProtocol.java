package org.facerecognition.examples;

import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.Split;
import org.facerecognition.eval.ClosedSet;
import org.facerecognition.eval.Embedded;
import org.facerecognition.eval.Identification;
import org.facerecognition.eval.NearestNeighbors;

/**
 * {@code closed-set}: identifies each validation and test face as the person whose mean training embedding is nearest,
 * and by a majority vote of the five nearest training faces.
 */
final class ClosedSetProtocol implements EvaluationProtocol {
    private static final int NEIGHBORS = 5;

    @Override
    public void measure(Evaluation evaluation) {
        DataOptions data = evaluation.data;
        Embedded gallery = evaluation.embed("gallery", data.read(Split.TRAIN, evaluation.seed));
        measure(evaluation, gallery, Split.VAL, "val");
        if (data.hasTest(evaluation.seed)) {
            measure(evaluation, gallery, Split.TEST, "test");
        } else {
            evaluation.report.unmeasured("test_accuracy", "test_accuracy_5nn");
        }
    }

    private static void measure(Evaluation evaluation, Embedded gallery, Split split, String name) {
        FaceDataset faces = evaluation.data.read(split, evaluation.seed);
        Embedded probes = evaluation.embed(name, faces);
        evaluation.report.figure(name + "_accuracy", ClosedSet.of(gallery).accuracy(probes));
        evaluation.report.figure(
                name + "_accuracy_5nn", NearestNeighbors.of(gallery, NEIGHBORS).accuracy(probes));
        if (split == Split.VAL) {
            evaluation.report.identification(Identification.of(gallery.centroids(), probes));
        }
    }
}
