package org.facerecognition.train;

import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * The result of one epoch.
 *
 * @param epoch number of the epoch, from 1
 * @param steps number of optimizer steps since the start of the training
 * @param trainLoss mean loss over the epoch's samples, each at the time of its step
 * @param trainAccuracy score over the same samples, in [0, 1]
 * @param valLoss mean loss on the validation data; NaN where it was not measured or is meaningless
 * @param valAccuracy score on the validation data, in [0, 1]; NaN where it was not measured
 * @param learningRate of the epoch's last step, of parameters without a multiplier
 * @param imagesPerSecond training throughput, including loading and excluding validation
 * @param waitShare fraction of the training time spent waiting for images, in [0, 1]
 * @param seconds duration of the epoch, including validation
 * @param unseen verification of people who are not trained on; null where it was not measured
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
     * Verification of people who are not trained on.
     *
     * @param auc area under the ROC curve, in [0, 1]
     * @param equalErrorRate in [0, 1]
     * @param tar true accept rate at {@link #far}, in [0, 1]
     * @param far the false accept rate of {@link #tar}: 1e-3, or one impostor pair where there are fewer than
     *     1,000
     */
    public record Unseen(double auc, double equalErrorRate, double tar, double far) {}

    /** The measure by which the best epoch is chosen. */
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
     * Returns the value of a measure; higher is better.
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
