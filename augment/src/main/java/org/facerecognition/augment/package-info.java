/**
 * Image augmentations with torchvision's names, meaning and parameters: one record per transform, chained by {@code
 * Pipeline}, ready-made in {@code Presets}. Knows one OpenCV image and a random source only: no tensors, labels or threads.
 */
@NullMarked
package org.facerecognition.augment;

import org.jspecify.annotations.NullMarked;
