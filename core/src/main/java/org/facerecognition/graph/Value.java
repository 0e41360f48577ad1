package org.facerecognition.graph;

/**
 * What a node of a graph gives.
 *
 * @param node its number, from 0
 */
public record Value(int node) {}
