package org.facerecognition.train;

/**
 * The result of one optimizer step.
 *
 * @param epoch number of the epoch, from 1
 * @param epochs number of epochs of the training
 * @param batch number of the step's last batch in its epoch, from 1
 * @param batches number of batches in an epoch
 * @param batchesInStep number of batches whose gradients the step adds up
 * @param step number of the step in the training, from 1
 * @param loss mean over the step's samples
 * @param accuracy mean score of the running epoch so far, in [0, 1]
 * @param learningRate of parameters without a multiplier
 * @param images number of samples in the step
 * @param waitSeconds time spent waiting for images
 */
public record StepReport(
        int epoch,
        int epochs,
        int batch,
        int batches,
        int batchesInStep,
        long step,
        double loss,
        double accuracy,
        double learningRate,
        int images,
        double waitSeconds) {}
