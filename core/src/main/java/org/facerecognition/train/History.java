package org.facerecognition.train;

import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * The results of a training, epoch by epoch.
 *
 * @param epochs the finished epochs, in order
 * @param steps total number of optimizer steps
 * @param firstLoss of the first step; NaN before it
 * @param lastLoss of the latest step; NaN before the first
 * @param imagesPerSecond training throughput over all steps, including loading and excluding validation; NaN before the
 *     first
 */
public record History(List<EpochReport> epochs, long steps, double firstLoss, double lastLoss, double imagesPerSecond) {
    public History {
        epochs = List.copyOf(epochs);
    }

    /** The history of a training that has not started. */
    public static History empty() {
        return new History(List.of(), 0, Double.NaN, Double.NaN, Double.NaN);
    }

    /**
     * Returns {@code best(ACCURACY)}: by default, that is the epoch of {@code best.ckpt}, unless somebody removed that
     * file in the course of the training: then it is of a later epoch.
     */
    public Optional<EpochReport> best() {
        return best(EpochReport.BestBy.ACCURACY);
    }

    /**
     * Returns the epoch with the highest value of a measure, the first of several equal ones; empty before the first.
     * Where no epoch has an accuracy, because there is no validation data, but other people were verified, {@code
     * ACCURACY} means {@code UNSEEN_AUC}, as in the choice of {@code best.ckpt}; without these too, the last epoch is
     * returned.
     *
     * @throws IllegalStateException when {@code by} is a measure of other people, and none were verified
     */
    public Optional<EpochReport> best(EpochReport.BestBy by) {
        boolean verifiedOnly = by == EpochReport.BestBy.ACCURACY
                && epochs.stream().allMatch(epoch -> Double.isNaN(epoch.valAccuracy()) && epoch.unseen() != null);
        return highest(verifiedOnly ? EpochReport.BestBy.UNSEEN_AUC : by);
    }

    private Optional<EpochReport> highest(EpochReport.BestBy by) {
        Optional<EpochReport> best = epochs.stream()
                .filter(epoch -> !Double.isNaN(epoch.figure(by)))
                .max(Comparator.<EpochReport>comparingDouble(epoch -> epoch.figure(by))
                        .thenComparing(EpochReport::epoch, Comparator.reverseOrder()));
        return best.isPresent() ? best : last();
    }

    /** The latest epoch; empty before the first. */
    public Optional<EpochReport> last() {
        return epochs.isEmpty() ? Optional.empty() : Optional.of(epochs.get(epochs.size() - 1));
    }
}
