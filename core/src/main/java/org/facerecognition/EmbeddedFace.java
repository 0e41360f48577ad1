package org.facerecognition;

import org.facerecognition.vision.DetectedFace;

/**
 * A face in a photograph, and who it might be.
 *
 * @param where it is
 * @param embedding of Euclidean norm 1; not copied
 */
public record EmbeddedFace(DetectedFace where, float[] embedding) {}
