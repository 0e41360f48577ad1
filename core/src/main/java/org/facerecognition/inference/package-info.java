/**
 * Optimized inference. {@link org.facerecognition.inference.PreparedNet} runs a recorded graph: on a CPU with oneDNN's
 * primitives (the classes named OneDnn), elsewhere with libtorch's operators (the classes named Aten). {@link
 * org.facerecognition.inference.PrecisionTrial} chooses between float32 and half precision, and {@link
 * org.facerecognition.inference.MicroBatcher} batches the requests of many threads. The package depends on graphs,
 * tensors and files.
 */
@NullMarked
package org.facerecognition.inference;

import org.jspecify.annotations.NullMarked;
