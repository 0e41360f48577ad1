package org.facerecognition.data;

import java.util.Optional;
import org.facerecognition.vision.DetectedFace;

/**
 * One of many images, and what became of it.
 *
 * @param image that was embedded
 * @param embedding unit-norm; empty when the image could not be used
 * @param face that was detected and embedded; empty without a detector, or when the image could not be used
 * @param problem why not; empty when there is an embedding
 */
public record EmbeddedImage(
        ImageSource image, Optional<float[]> embedding, Optional<DetectedFace> face, Optional<DataException> problem) {}
