package org.facerecognition.train;

import java.util.ArrayList;
import java.util.List;

/**
 * Where a training is: all that changes while it runs, beside weights, optimizer and random generator. Saved in a
 * backup as JSON, whose numbers keep every digit of a double.
 */
public final class TrainingProgress {
    /** The epoch that is running, from 0. */
    public int epoch;
    /** Batches of it that are done. */
    public int batch;
    /** Optimizer steps in all. */
    public long step;
    /** Over the running epoch's samples. */
    public double lossSum;

    public double scoreSum;
    public long samples;
    /** Of them, those whose loss is in the sum. */
    public long lossSamples;

    public double trainSeconds;
    /** Of them, spent waiting for images. */
    public double waitSeconds;

    /** Before the running epoch. */
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

    /** Adds a batch whose loss says nothing. */
    public void addBatchWithoutLoss(double score, int size) {
        batch++;
        scoreSum += score;
        samples += size;
    }

    public History history() {
        double imagesPerSecond = (formerSamples + samples) / (formerSeconds + trainSeconds);
        return new History(epochs, step, firstLoss, lastLoss, imagesPerSecond);
    }
}
