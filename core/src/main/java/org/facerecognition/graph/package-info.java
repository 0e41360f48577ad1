/**
 * What a network computes in evaluation, as a plain list of operations: a {@link org.facerecognition.graph.Graph}. A backbone
 * describes itself as one; what prepares it for speed or writes it into another format reads it. Knows tensors only.
 */
@NullMarked
package org.facerecognition.graph;

import org.jspecify.annotations.NullMarked;
