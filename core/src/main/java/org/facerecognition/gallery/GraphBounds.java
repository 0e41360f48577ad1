package org.facerecognition.gallery;

import java.io.IOException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.util.BitSet;

/**
 * Checks that a saved graph is a valid graph over a given number of nodes, before JVector reads it: JVector allocates
 * memory according to the numbers that it finds, and leaves an incomplete graph behind when it fails.
 */
/*
 * JVector's format of on-heap graphs consists of the magic number, the version, the number of layers, the degree of
 * each layer and the entry node; then, for each layer, the number of nodes; for each node, its number and the number of
 * its neighbors; and for each neighbor, its number and score.
 */
final class GraphBounds {
    private static final int MAGIC = 0x75EC4012;
    private static final int VERSION = 4;
    private static final int MAX_LAYERS = 64;
    private static final int MAX_DEGREE = 256;
    private static final int NO_NODE = -1;

    private GraphBounds() {}

    /** @throws IOException if it is not such a graph */
    static void check(ByteBuffer graph, int nodes) throws IOException {
        try {
            require(graph.getInt() == MAGIC && graph.getInt() == VERSION);
            int layers = within(graph.getInt(), 1, MAX_LAYERS);
            for (int layer = 0; layer < layers; layer++) {
                within(graph.getInt(), 1, MAX_DEGREE);
            }
            int entry = within(graph.getInt(), NO_NODE, nodes - 1);
            BitSet below = new BitSet(nodes);
            below.set(0, nodes);
            for (int layer = 0; layer < layers; layer++) {
                BitSet here = layer(graph, nodes);
                BitSet missingBelow = (BitSet) here.clone();
                missingBelow.andNot(below);
                require(missingBelow.isEmpty() && (layer > 0 || here.cardinality() == nodes));
                require(layer < layers - 1 || entry == NO_NODE && here.isEmpty() || entry >= 0 && here.get(entry));
                below = here;
            }
            require(!graph.hasRemaining());
        } catch (BufferUnderflowException e) {
            throw new IOException("the saved graph is truncated", e);
        }
    }

    /** Reads a layer and returns its nodes. Each neighbor must be a node of the layer too. */
    private static BitSet layer(ByteBuffer graph, int nodes) throws IOException {
        int size = within(graph.getInt(), 0, nodes);
        BitSet here = new BitSet(nodes);
        BitSet neighbors = new BitSet(nodes);
        for (int i = 0; i < size; i++) {
            int node = within(graph.getInt(), 0, nodes - 1);
            require(!here.get(node));
            here.set(node);
            int degree = within(graph.getInt(), 0, 2 * MAX_DEGREE);
            for (int j = 0; j < degree; j++) {
                neighbors.set(within(graph.getInt(), 0, nodes - 1));
                require(Float.isFinite(graph.getFloat()));
            }
        }
        neighbors.andNot(here);
        require(neighbors.isEmpty());
        return here;
    }

    private static int within(int value, int min, int max) throws IOException {
        require(value >= min && value <= max);
        return value;
    }

    private static void require(boolean valid) throws IOException {
        if (!valid) {
            throw new IOException("the saved graph does not belong to this gallery");
        }
    }
}
