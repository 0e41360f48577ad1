package org.facerecognition.train;

/**
 * Angles and norms of a batch's embeddings, before the step that uses them.
 *
 * @param toOwnDegrees for each sample, the angle between its embedding and its identity's center, in [0, 180]; empty
 *     for a head without centers
 * @param toNearestOtherDegrees for each sample, the angle to the nearest center of another identity, the hardest
 *     negative; empty for a head without centers or with one identity
 * @param norms for each sample, the Euclidean norm of its embedding
 */
public record BatchEmbeddingStats(double[] toOwnDegrees, double[] toNearestOtherDegrees, double[] norms) {}
