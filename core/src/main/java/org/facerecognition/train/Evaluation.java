package org.facerecognition.train;

import org.facerecognition.eval.VerificationSet;
import org.facerecognition.train.EpochReport.BestBy;
import org.jspecify.annotations.Nullable;

/**
 * What is measured after each epoch, and which epoch is the best.
 *
 * @param score what is reported as accuracy
 * @param verification faces of people who are not trained on, verified after each epoch; null for none
 * @param bestBy the measure by which the best epoch is chosen
 */
public record Evaluation(Score score, @Nullable VerificationSet verification, BestBy bestBy) {

    /** @throws IllegalArgumentException when {@code bestBy} needs verification faces and there are none */
    public Evaluation {
        Bounds.given("score", score);
        Bounds.given("bestBy", bestBy);
        if (bestBy != BestBy.ACCURACY && verification == null) {
            throw new IllegalArgumentException("bestBy " + bestBy
                    + " must go with faces of people who are not trained on, but verification was not set");
        }
    }
}
