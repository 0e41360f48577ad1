/**
 * The operations of a network in evaluation mode, as a plain list: a {@link org.facerecognition.graph.Graph}. A
 * backbone describes itself as a graph, which is then prepared for speed or exported to other formats. This package
 * knows tensors only.
 */
@NullMarked
package org.facerecognition.graph;

import org.jspecify.annotations.NullMarked;
