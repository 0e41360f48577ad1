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
        FaceDataset train = data.read(Split.TRAIN, evaluation.seed); // all is read before anything is embedded
        FaceDataset val = data.read(Split.VAL, evaluation.seed);
        boolean hasTest = data.hasTest(evaluation.seed);
        train = evaluation.usable(train);
        val = evaluation.usable(val);
        Embedded gallery = evaluation.embed("gallery", train);
        measure(evaluation, gallery, val, "val");
        if (hasTest) {
            measure(evaluation, gallery, evaluation.usable(data.read(Split.TEST, evaluation.seed)), "test");
        } else {
            evaluation.report.unmeasured("test_accuracy", "test_accuracy_5nn");
        }
    }

    private static void measure(Evaluation evaluation, Embedded gallery, FaceDataset faces, String name) {
        Embedded probes = evaluation.embed(name, faces);
        evaluation.report.figure(name + "_accuracy", ClosedSet.of(gallery).accuracy(probes));
        evaluation.report.figure(
                name + "_accuracy_5nn", NearestNeighbors.of(gallery, NEIGHBORS).accuracy(probes));
        if (faces.split() == Split.VAL) {
            evaluation.report.identification(Identification.of(gallery.centroids(), probes));
        }
    }
}
