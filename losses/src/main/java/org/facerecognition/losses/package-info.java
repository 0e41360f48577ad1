/**
 * Heads that turn embeddings and identity labels into a training loss: start with
 * {@link org.facerecognition.losses.LossName}, which has all by name, or {@link org.facerecognition.losses.MarginSoftmax}. Knows tensors and labels only: no trainer, files, settings or images.
 */
@NullMarked
package org.facerecognition.losses;

import org.jspecify.annotations.NullMarked;
