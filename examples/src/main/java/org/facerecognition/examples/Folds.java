package org.facerecognition.examples;

import java.util.Optional;
import org.facerecognition.data.UnsuitableDataException;
import org.facerecognition.eval.CrossValidation;
import org.facerecognition.eval.Verification;

/**
 * Cross-validation of a list of pairs, as far as the list allows it. Fewer pairs than folds, or fewer than two of a
 * kind, have all figures but the accuracy; fewer of a kind than folds are dealt into fewer folds. Either is said.
 *
 * @param wanted number of folds
 * @param inOrder whether the folds are runs of the list, as LFW's protocol has it, or each kind of pair is dealt out
 */
record Folds(int wanted, boolean inOrder) {
    /** Adds {@code accuracy}, {@code standard_error} and {@code folds} to the report; null where they cannot be had. */
    Optional<CrossValidation> measure(Verification pairs, Evaluation evaluation) {
        evaluation.report.unmeasured("accuracy", "standard_error", "folds");
        int possible = CrossValidation.maxFolds(pairs, wanted);
        if (pairs.size() < wanted) {
            return leaveOut("needs at least " + wanted + " pairs, but there are " + pairs.size(), evaluation);
        }
        if (possible < 2) {
            return leaveOut(
                    "needs at least two genuine and two impostor pairs, but there are " + pairs.same().length + " and "
                            + pairs.different().length,
                    evaluation);
        }
        try {
            CrossValidation folds =
                    inOrder ? CrossValidation.contiguous(pairs, wanted) : CrossValidation.interleaved(pairs, possible);
            if (!inOrder && possible < wanted) {
                evaluation.tell("accuracy is over " + possible + " folds instead of " + wanted
                        + ", so that each has a pair of both kinds");
            }
            evaluation.report.crossValidation(folds);
            return Optional.of(folds);
        } catch (UnsuitableDataException e) { // runs of one kind
            return leaveOut("does not suit this list: " + e.getMessage(), evaluation);
        }
    }

    private static Optional<CrossValidation> leaveOut(String why, Evaluation evaluation) {
        evaluation.tell("accuracy is left out: cross-validation " + why);
        return Optional.empty();
    }
}
