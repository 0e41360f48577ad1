/**
 * Trained networks made ready for one machine: {@link org.facerecognition.inference.PreparedNet} runs a graph, on a CPU by
 * oneDNN's primitives (the classes named OneDnn), elsewhere by libtorch's operators (Aten);
 * {@link org.facerecognition.inference.MicroBatcher} gathers the calls of many threads. Knows graphs and tensors.
 */
@NullMarked
package org.facerecognition.inference;

import org.jspecify.annotations.NullMarked;
