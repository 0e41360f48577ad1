package org.facerecognition.examples;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.facerecognition.data.Crop;
import org.facerecognition.data.FacePairs;
import org.facerecognition.eval.CrossValidation;
import org.facerecognition.eval.Verification;
import org.facerecognition.eval.VerificationSet;

/**
 * {@code view1}: LFW's View 1. The threshold is chosen on pairsDevTrain.txt, and the accuracy is measured on
 * pairsDevTest.txt. Without the former file, the threshold is chosen on every second pair of each kind of the latter
 * and the accuracy measured on the rest, and vice versa.
 */
final class View1Protocol implements EvaluationProtocol {
    @Override
    public void measure(Evaluation evaluation) {
        Path images = PairsProtocol.lfwImages(evaluation.data.path());
        Path test = PairsProtocol.list(evaluation, "pairsDevTest.txt");
        Path train = test.resolveSibling("pairsDevTrain.txt");
        Crop crop = evaluation.data.crop(Crop.WHOLE);
        VerificationSet set = measurable(evaluation, test, images, crop);
        Optional<VerificationSet> trainSet = Files.exists(train)
                ? Optional.of(measurable(evaluation, train, images, crop)) // before anything is embedded
                : Optional.empty();
        Verification pairs = set.verify(faces -> evaluation.embedListed("test faces", faces));
        evaluation.report.unmeasured(
                "accuracy", "threshold", "standard_error", "folds", "accuracy_first_half", "accuracy_second_half");
        if (trainSet.isPresent()) {
            Verification trainPairs = trainSet.get().verify(faces -> evaluation.embedListed("train faces", faces));
            evaluation.noteEqualImages(trainPairs, trainSet.get().faces());
            double threshold = trainPairs.roc().bestAccuracy().threshold();
            evaluation.report.figure("accuracy", CrossValidation.accuracyAt(threshold, pairs));
            evaluation.report.figure("threshold", threshold);
        } else {
            evaluation.print("no " + train + ": the threshold for each half of the pairs is chosen on the other half");
            new Folds(2, false).measure(pairs, evaluation).ifPresent(halves -> {
                evaluation.report.figure("accuracy_first_half", halves.accuracies()[0]);
                evaluation.report.figure("accuracy_second_half", halves.accuracies()[1]);
            });
        }
        evaluation.report(pairs, evaluation.seen(set.faces()));
    }

    private static VerificationSet measurable(Evaluation evaluation, Path list, Path images, Crop crop) {
        VerificationSet set = evaluation.usable(VerificationSet.of(FacePairs.lfw(list, images), crop));
        set.requireMeasurable();
        return set;
    }
}
