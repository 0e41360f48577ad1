package org.facerecognition.train;

/**
 * How a batch's embeddings lie, before the step that they lead to.
 *
 * @param toOwnDegrees of each sample, the angle between its embedding and its identity's centre, in [0, 180]; empty for a
 *     head without centres
 * @param toNearestOtherDegrees of each sample, the angle to the nearest centre of another identity, the hardest negative;
 *     empty for a head without centres or with one identity
 * @param norms of each sample, the Euclidean norm of its embedding
 */
public record BatchLook(double[] toOwnDegrees, double[] toNearestOtherDegrees, double[] norms) {}
