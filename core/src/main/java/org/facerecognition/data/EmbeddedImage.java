package org.facerecognition.data;

import java.util.Optional;

/**
 * One of many images, and what became of it.
 *
 * @param image that was embedded
 * @param embedding unit-norm; empty when the image could not be used
 * @param problem why not; empty when there is an embedding
 */
public record EmbeddedImage(ImageSource image, Optional<float[]> embedding, Optional<DataException> problem) {}
