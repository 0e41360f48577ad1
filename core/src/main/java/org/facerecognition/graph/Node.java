package org.facerecognition.graph;

import java.util.List;

/**
 * An operation of a graph with its inputs.
 *
 * @param operation what the node computes
 * @param inputs outputs of earlier nodes, in the order that the operation expects
 */
public record Node(Operation operation, List<Value> inputs) {
    public Node {
        inputs = List.copyOf(inputs);
        if (inputs.size() != operation.inputs()) {
            throw new IllegalArgumentException(operation.getClass().getSimpleName() + " must have " + operation.inputs()
                    + " inputs, but had " + inputs.size());
        }
    }

    /** Returns the first input, which for most operations is the only one. */
    public Value input() {
        return inputs.get(0);
    }
}
