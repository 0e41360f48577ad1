/**
 * The parts of training. Users choose optimizers ({@link org.facerecognition.train.OptimizerSettings}), schedules
 * ({@link org.facerecognition.train.LearningRate}), freezers ({@link org.facerecognition.train.Freezer}) and scores
 * ({@link org.facerecognition.train.Score}), and watch a training through a {@link
 * org.facerecognition.train.TrainingListener}; the settings of each stage are {@link
 * org.facerecognition.train.Optimization}, {@link org.facerecognition.train.Loading}, {@link
 * org.facerecognition.train.Checkpointing} and {@link org.facerecognition.train.Evaluation}.
 *
 * <p>The loop is {@code org.facerecognition.Trainer}. Its parts are public only because it is in another package:
 * {@link org.facerecognition.train.TrainStep}, {@link org.facerecognition.train.ForwardPass}, {@link
 * org.facerecognition.train.Validation}, {@link org.facerecognition.train.Checkpoints}, {@link
 * org.facerecognition.train.TrainingChecks} and what they use may change in any release.
 */
@NullMarked
package org.facerecognition.train;

import org.jspecify.annotations.NullMarked;
