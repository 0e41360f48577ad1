/**
 * Tensors in files: {@link org.facerecognition.weights.Weights} reads what others trained, {@link
 * org.facerecognition.weights.SafeTensors} writes. Knows names, shapes and bytes; executes nothing that a file holds.
 */
@NullMarked
package org.facerecognition.weights;

import org.jspecify.annotations.NullMarked;
