package org.facerecognition.onnx;

/** Thrown when a graph has a node that this library cannot run exactly; the message names the node and the reason. */
final class Uncovered extends RuntimeException {
    private static final long serialVersionUID = 1;

    Uncovered(NodeProto node, String reason) {
        super(node.title() + " is not covered: " + reason);
    }

    Uncovered(String reason) {
        super(reason);
    }
}
