/**
 * The parts of training: optimizers ({@link org.facerecognition.train.OptimizerSettings}), schedules ({@link
 * org.facerecognition.train.LearningRate}), freezing, scores, and what a training tells. The loop itself is {@code
 * Trainer}'s, one package up.
 */
@NullMarked
package org.facerecognition.train;

import org.jspecify.annotations.NullMarked;
