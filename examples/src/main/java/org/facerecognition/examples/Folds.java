package org.facerecognition.examples;

import java.util.Optional;
import org.facerecognition.data.UnsuitableDataException;
import org.facerecognition.eval.CrossValidation;
import org.facerecognition.eval.Verification;

/**
 * Cross-validation of a list of pairs, as far as the list allows it. With fewer pairs than folds, or fewer than two of
 * a kind (genuine or impostor), the accuracy is left out; with fewer pairs of a kind than folds, there are fewer folds.
 * Both are reported.
 *
 * @param count number of folds
 * @param contiguous whether the folds are contiguous parts of the list, as in LFW's protocol; else the pairs of each
 *     kind are interleaved
 */
record Folds(int count, boolean contiguous) {
    /**
     * Adds {@code accuracy}, {@code standard_error} and {@code folds} to the report; null if they cannot be measured.
     */
    Optional<CrossValidation> measure(Verification pairs, Evaluation evaluation) {
        evaluation.report.unmeasured("accuracy", "standard_error", "folds");
        int possible = CrossValidation.maxFolds(pairs, count);
        if (pairs.size() < count) {
            return leaveOut("needs at least " + count + " pairs, but there are " + pairs.size(), evaluation);
        }
        if (possible < 2) {
            return leaveOut(
                    "needs at least two genuine and two impostor pairs, but there are " + pairs.same().length + " and "
                            + pairs.different().length,
                    evaluation);
        }
        try {
            CrossValidation folds = contiguous
                    ? CrossValidation.contiguous(pairs, count)
                    : CrossValidation.interleaved(pairs, possible);
            if (!contiguous && possible < count) {
                evaluation.note("accuracy is over " + possible + " folds instead of " + count
                        + ", so that each has a pair of both kinds");
            }
            evaluation.report.crossValidation(folds);
            return Optional.of(folds);
        } catch (UnsuitableDataException e) { // a contiguous fold has pairs of one kind only
            return leaveOut("does not suit this list: " + e.getMessage(), evaluation);
        }
    }

    private static Optional<CrossValidation> leaveOut(String why, Evaluation evaluation) {
        evaluation.note("accuracy is left out: cross-validation " + why);
        return Optional.empty();
    }
}
