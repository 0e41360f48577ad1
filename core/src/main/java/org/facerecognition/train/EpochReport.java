package org.facerecognition.train;

import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * What one epoch came to.
 *
 * @param epoch which, from 1
 * @param steps optimizer steps since training began
 * @param trainLoss mean loss over the epoch's samples, as they were met
 * @param trainAccuracy score over the same, in [0, 1]
 * @param valLoss mean loss on the validation data; NaN where it was not measured, or says nothing
 * @param valAccuracy score on the validation data, in [0, 1]; NaN where it was not measured
 * @param learningRate rate of the epoch's last step, of parameters without a factor of their own
 * @param imagesPerSecond training throughput, loading included, validation not
 * @param waitShare of the training time that was spent waiting for images, in [0, 1]
 * @param seconds the epoch took, validation included
 * @param unseen how people that are not trained on are told apart; null where that is not measured
 */
public record EpochReport(
        int epoch,
        long steps,
        double trainLoss,
        double trainAccuracy,
        double valLoss,
        double valAccuracy,
        double learningRate,
        double imagesPerSecond,
        double waitShare,
        double seconds,
        @Nullable Unseen unseen) {

    /**
     * Verification of people that are not trained on.
     *
     * @param auc area under the ROC curve, in [0, 1]
     * @param equalErrorRate in [0, 1]
     * @param tar true accept rate at {@link #far}, in [0, 1]
     * @param far the false accept rate of {@link #tar}: 1e-3, or one pair of different people where there are fewer than 1,000
     */
    public record Unseen(double auc, double equalErrorRate, double tar, double far) {}

    /** By what the best epoch is chosen. */
    public enum BestBy {
        /** Accuracy on the validation data: other images of the people trained on. */
        ACCURACY,
        /** Area under the ROC curve of people not trained on. */
        UNSEEN_AUC,
        /** True accept rate at a small false accept rate of people not trained on. */
        UNSEEN_TAR;

        /** The name on the command line: {@code unseen-auc}. */
        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT).replace('_', '-');
        }
    }

    /**
     * The figure that the best epoch has most of.
     *
     * @throws IllegalStateException when it was not measured
     */
    public double figure(BestBy by) {
        if (by == BestBy.ACCURACY) {
            return valAccuracy;
        }
        if (unseen == null) {
            throw new IllegalStateException(by + " must be measured to choose by it, but epoch " + epoch + " has none");
        }
        return by == BestBy.UNSEEN_AUC ? unseen.auc() : unseen.tar();
    }
}
