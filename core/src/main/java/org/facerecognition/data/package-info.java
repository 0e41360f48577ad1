/**
 * The way from image files to batches: {@link org.facerecognition.data.FaceDataset} lists samples, {@link
 * org.facerecognition.data.BatchLoader} reads, crops and augments them and copies them into batches. This is the one
 * place that knows color order and normalization. It depends on {@code augment}, {@code vision} and {@code synthetic}
 * and knows neither backbones nor losses.
 */
@NullMarked
package org.facerecognition.data;

import org.jspecify.annotations.NullMarked;
