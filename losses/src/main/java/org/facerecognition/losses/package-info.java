/**
 * Training heads: modules that turn embeddings and identity labels into a loss.
 *
 * <p>Start with {@link org.facerecognition.losses.LossName}, which creates every head by name, or with {@link
 * org.facerecognition.losses.MarginSoftmax}, the head of ArcFace, CosFace and their family. There are three kinds of
 * heads: a softmax over cosines with a {@link org.facerecognition.losses.Margin}, a softmax over a linear layer ({@link
 * org.facerecognition.losses.LinearSoftmax}, {@link org.facerecognition.losses.CenterLoss}), and a comparison of the
 * samples of a batch ({@link org.facerecognition.losses.PairLoss} in a {@link org.facerecognition.losses.MetricHead}).
 *
 * <p>Symbols in shapes and formulas: B samples in a batch, C identities (classes), D values in an embedding, K
 * sub-centers per identity; y is a sample's own identity, the target, and theta_j the angle between an embedding and
 * the center of identity j. The other identities of a sample are its negatives. All angles are in radians.
 *
 * <p>Ownership (the words are defined in {@link org.facerecognition.natives}): a head is owned by its creator, who
 * closes it. Tensors passed to a method are borrowed by it; tensors that a method returns are scoped unless it says
 * otherwise.
 *
 * <p>The package knows tensors and labels only: no trainer, files, settings of a training or images. It may use {@link
 * org.facerecognition.natives}.
 */
@NullMarked
package org.facerecognition.losses;

import org.jspecify.annotations.NullMarked;
