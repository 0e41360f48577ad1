/**
 * Tensors in files: {@link org.facerecognition.weights.SafeTensors} writes and reads the safetensors format. Knows names,
 * shapes and bytes; executes nothing that a file holds.
 */
@NullMarked
package org.facerecognition.weights;

import org.jspecify.annotations.NullMarked;
