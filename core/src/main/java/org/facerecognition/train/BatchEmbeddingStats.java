package org.facerecognition.train;

/**
 * How a batch's embeddings lie, before the step that they lead to.
 *
 * @param toOwnDegrees of each sample, the angle between its embedding and its identity's center, in [0, 180]; empty for a
 *     head without centers
 * @param toNearestOtherDegrees of each sample, the angle to the nearest center of another identity, the hardest negative;
 *     empty for a head without centers or with one identity
 * @param norms of each sample, the Euclidean norm of its embedding
 */
public record BatchEmbeddingStats(double[] toOwnDegrees, double[] toNearestOtherDegrees, double[] norms) {}
