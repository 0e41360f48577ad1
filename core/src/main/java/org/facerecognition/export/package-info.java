/**
 * Trained networks for other runtimes: {@link org.facerecognition.export.OnnxFile} and {@link
 * org.facerecognition.export.TorchScriptFile} write a graph with its weights and what its input must be. Knows graphs, tensors
 * and files.
 */
@NullMarked
package org.facerecognition.export;

import org.jspecify.annotations.NullMarked;
