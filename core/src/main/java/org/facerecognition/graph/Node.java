package org.facerecognition.graph;

import java.util.List;

/**
 * One operation of a graph and what it is done to.
 *
 * @param operation what is done
 * @param inputs values of earlier nodes, in the operation's order
 */
public record Node(Operation operation, List<Value> inputs) {
    public Node {
        inputs = List.copyOf(inputs);
        if (inputs.size() != operation.inputs()) {
            throw new IllegalArgumentException(operation.getClass().getSimpleName() + " must have " + operation.inputs()
                    + " inputs, but had " + inputs.size());
        }
    }

    /** The only input, or the first. */
    public Value input() {
        return inputs.get(0);
    }
}
