package org.facerecognition.train;

import org.facerecognition.natives.ComputeDevice;
import org.facerecognition.natives.Precision;
import org.jspecify.annotations.Nullable;

/**
 * How weights change in a training, for how long, and in which arithmetic.
 *
 * @param optimizer with its base learning rate
 * @param learningRate the schedule that multiplies the base rate
 * @param scheduleUnit what the schedule counts
 * @param freezer keeps layers fixed in some epochs; null for none
 * @param epochs passes over the training data, at least 1
 * @param maxSteps optimizer steps after which to stop, whatever the epoch; 0 for no limit
 * @param accumulation batches whose gradients are averaged into one step, each by its number of images, at least 1
 * @param gradientClip largest Euclidean norm of all gradients together; 0 for no clipping
 * @param headLrMultiplier multiplies the learning rate of the head; positive and finite
 * @param marginWarmupEpochs over which the margin grows linearly from 0 to its full size; 0 for the full size from the
 *     start
 * @param headFromMeans whether the training images' mean embeddings become the initial class centers: for an encoder
 *     that can tell faces apart already. Margin heads only
 * @param decayNormAndBias whether weight decay also acts on biases and batch normalization; torch's default, seldom
 *     wise
 * @param precision of convolutions and matrix products
 * @param channelsLast memory layout of images and convolutions; faster nearly everywhere
 * @param device where the training runs
 * @param seed of the order of samples, augmentation and dropout
 */
public record Optimization(
        OptimizerSettings optimizer,
        LearningRate learningRate,
        ScheduleUnit scheduleUnit,
        @Nullable Freezer freezer,
        int epochs,
        long maxSteps,
        int accumulation,
        double gradientClip,
        double headLrMultiplier,
        int marginWarmupEpochs,
        boolean headFromMeans,
        boolean decayNormAndBias,
        Precision precision,
        boolean channelsLast,
        ComputeDevice device,
        long seed) {

    /** @throws IllegalArgumentException when a value is out of its range, naming it */
    public Optimization {
        Bounds.given("optimizer", optimizer);
        Bounds.given("learningRate", learningRate);
        Bounds.given("scheduleUnit", scheduleUnit);
        Bounds.given("precision", precision);
        Bounds.given("device", device);
        Bounds.atLeast(1, "epochs", epochs);
        Bounds.atLeast(0, "maxSteps", maxSteps);
        Bounds.atLeast(1, "accumulation", accumulation);
        Bounds.atLeast(0, "marginWarmupEpochs", marginWarmupEpochs);
        if (!(gradientClip >= 0)) {
            throw new IllegalArgumentException("gradientClip must be at least 0, but was " + gradientClip);
        }
        Bounds.positive("headLrMultiplier", headLrMultiplier);
    }
}
