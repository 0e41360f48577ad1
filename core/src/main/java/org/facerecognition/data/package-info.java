/**
 * From image files to batches: {@link org.facerecognition.data.FaceDataset} lists samples, {@link
 * org.facerecognition.data.BatchLoader} reads, frames, augments and packs them. The one place that knows color order and
 * normalization. Uses {@code augment} and {@code vision}; knows no backbones or losses.
 */
@NullMarked
package org.facerecognition.data;

import org.jspecify.annotations.NullMarked;
