/**
 * Tensors in files: {@link org.facerecognition.weights.Weights} reads trained weights, {@link
 * org.facerecognition.weights.SafeTensors} reads and writes the safetensors format, and {@link
 * org.facerecognition.weights.WeightsCache} downloads files and verifies them.
 *
 * <p>The package knows names, shapes and bytes, and no backbones. Nothing in a file is ever executed.
 */
@NullMarked
package org.facerecognition.weights;

import org.jspecify.annotations.NullMarked;
