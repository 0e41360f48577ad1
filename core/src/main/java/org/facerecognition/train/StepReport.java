package org.facerecognition.train;

/**
 * What one optimizer step came to.
 *
 * @param epoch which, from 1
 * @param epochs how many there will be
 * @param batch which of the epoch's batches was the step's last, from 1
 * @param batches in an epoch
 * @param step since training began, from 1
 * @param loss mean over the step's samples
 * @param learningRate of parameters without a factor of their own
 * @param images samples in the step
 * @param waitSeconds of the step that were spent waiting for images
 */
public record StepReport(
        int epoch,
        int epochs,
        int batch,
        int batches,
        long step,
        double loss,
        double learningRate,
        int images,
        double waitSeconds) {}
