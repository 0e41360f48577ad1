package org.facerecognition.backbone;

import org.facerecognition.graph.GraphBuilder;
import org.facerecognition.graph.Value;

/** A part of a network that can say what it computes in evaluation. */
interface Described {
    /** Takes down what {@code forward} does to {@code x}. */
    Value describe(GraphBuilder graph, Value x);
}
