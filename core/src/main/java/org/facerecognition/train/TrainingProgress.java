package org.facerecognition.train;

import java.util.ArrayList;
import java.util.List;

/**
 * The progress of a training: all that changes while it runs, beside weights, optimizer state and random generators.
 * Stored in checkpoints as JSON, which keeps every digit of a double.
 */
public final class TrainingProgress {
    /** The running epoch, from 0. */
    public int epoch;
    /** Number of finished batches of the running epoch. */
    public int batch;
    /** Total number of optimizer steps. */
    public long step;
    /** Sum over the samples of the running epoch. */
    public double lossSum;

    public double scoreSum;
    public long samples;
    /** Number of samples whose loss is in the sum. */
    public long lossSamples;

    public double trainSeconds;
    /** The part of it that was spent waiting for images. */
    public double waitSeconds;

    /** Samples and seconds before the running epoch. */
    public long formerSamples;

    public double formerSeconds;

    public double firstLoss = Double.NaN;
    public double lastLoss = Double.NaN;
    public double bestScore = Double.NEGATIVE_INFINITY;
    public List<EpochReport> epochs = new ArrayList<>();

    public void nextEpoch() {
        formerSamples += samples;
        formerSeconds += trainSeconds;
        epoch++;
        batch = 0;
        lossSum = 0;
        scoreSum = 0;
        samples = 0;
        lossSamples = 0;
        trainSeconds = 0;
        waitSeconds = 0;
    }

    public void addBatch(double meanLoss, double score, int size) {
        addBatchWithoutLoss(score, size);
        lossSum += meanLoss * size;
        lossSamples += size;
    }

    /** Adds a batch whose loss is meaningless. */
    public void addBatchWithoutLoss(double score, int size) {
        batch++;
        scoreSum += score;
        samples += size;
    }

    /**
     * Reports the latest step.
     *
     * @param batches number of batches in an epoch
     * @param batchesInStep number of batches of the step
     */
    public StepReport stepReport(
            int epochs, int batches, int batchesInStep, double learningRate, TrainStep.Result result) {
        return new StepReport(
                epoch + 1,
                epochs,
                batch,
                batches,
                batchesInStep,
                step,
                lastLoss,
                scoreSum / samples,
                learningRate,
                result.samples(),
                result.waitSeconds());
    }

    /** Names the last step and its epoch, for messages. */
    String place() {
        return "step " + step
                + (batch == 0 && epoch > 0 ? ", the last of epoch " + epoch : ", in epoch " + (epoch + 1));
    }

    public History history() {
        double imagesPerSecond = (formerSamples + samples) / (formerSeconds + trainSeconds);
        return new History(epochs, step, firstLoss, lastLoss, imagesPerSecond);
    }
}
