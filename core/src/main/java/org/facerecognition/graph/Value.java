package org.facerecognition.graph;

/**
 * The output of a node of a graph.
 *
 * @param node index of the node, from 0
 */
public record Value(int node) {}
