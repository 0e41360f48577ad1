package org.facerecognition.train;

/**
 * What one epoch came to.
 *
 * @param epoch which, from 1
 * @param steps optimiser steps since training began
 * @param trainLoss mean loss over the epoch's samples, as they were met
 * @param trainAccuracy score over the same, in [0, 1]
 * @param valLoss mean loss on the validation data
 * @param valAccuracy score on the validation data, in [0, 1]
 * @param learningRate rate of the epoch's last step, of parameters without a factor of their own
 * @param imagesPerSecond training throughput, loading included, validation not
 * @param waitShare of the training time that was spent waiting for pictures, in [0, 1]
 * @param seconds the epoch took, validation included
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
        double seconds) {}
