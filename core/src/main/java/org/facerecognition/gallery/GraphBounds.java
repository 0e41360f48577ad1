package org.facerecognition.gallery;

import java.io.IOException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.util.BitSet;

/**
 * Whether a saved graph is one over so many nodes, before JVector reads it: JVector allocates by the numbers that it
 * finds, and leaves half a graph behind when it fails.
 */
/*
 * JVector's format of graphs on the heap: magic, version, layers, the degree of each, the entry node; for each layer
 * its nodes, for each of these its number, how many neighbors, and for each neighbor its number and score.
 */
final class GraphBounds {
    private static final int MAGIC = 0x75EC4012;
    private static final int VERSION = 4;
    private static final int MAX_LAYERS = 64;
    private static final int MAX_DEGREE = 256;
    private static final int NO_NODE = -1;

    private GraphBounds() {}

    /** @throws IOException when it is none */
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
                BitSet unknown = (BitSet) here.clone();
                unknown.andNot(below);
                require(unknown.isEmpty() && (layer > 0 || here.cardinality() == nodes));
                require(layer < layers - 1 || entry == NO_NODE && here.isEmpty() || entry >= 0 && here.get(entry));
                below = here;
            }
            require(!graph.hasRemaining());
        } catch (BufferUnderflowException e) {
            throw new IOException("the saved graph is cut short", e);
        }
    }

    /** Reads the nodes of a layer; each neighbor must be a node of the layer too. */
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

    private static void require(boolean fits) throws IOException {
        if (!fits) {
            throw new IOException("the saved graph is not one of this gallery");
        }
    }
}
