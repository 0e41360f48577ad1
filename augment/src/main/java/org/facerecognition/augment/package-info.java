/**
 * Image augmentations with torchvision's names, meaning and parameters.
 *
 * <p>The door is {@link org.facerecognition.augment.Transform}: one image and a random source in, a new image out. There
 * is one record per transform; {@link org.facerecognition.augment.Pipeline} chains them, {@link
 * org.facerecognition.augment.Presets} names ready-made lists. Every transform draws its random numbers first and then
 * calls a pure pixel function, which is public beside it. The package knows OpenCV images and a {@link
 * java.util.random.RandomGenerator} only: no tensors, labels, files or threads.
 */
@NullMarked
package org.facerecognition.augment;

import org.jspecify.annotations.NullMarked;
