/**
 * Image augmentations with torchvision's names, semantics and parameters.
 *
 * <p>Start with {@link org.facerecognition.augment.Transform}: one image and a source of random numbers in, a new image
 * out. There is one record per transform; {@link org.facerecognition.augment.Pipeline} chains them, {@link
 * org.facerecognition.augment.Presets} has ready-made lists, and {@link org.facerecognition.augment.TransformLine}
 * parses them from text. Every transform draws its random numbers first and then calls a pure pixel function, which
 * most of them offer as a public method.
 *
 * <p>Images are OpenCV matrices, RGB, {@code CV_8UC3}. Ownership: an image passed to a method is borrowed and never
 * changed; an image that a method returns is owned, so the caller closes it.
 *
 * <p>The package knows OpenCV images and {@link java.util.random.RandomGenerator} only: no tensors, labels, files or
 * threads.
 */
@NullMarked
package org.facerecognition.augment;

import org.jspecify.annotations.NullMarked;
