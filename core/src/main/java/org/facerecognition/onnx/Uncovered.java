package org.facerecognition.onnx;

/** Thrown when this library cannot run a graph exactly; the message names the node, or what else, and the reason. */
final class Uncovered extends RuntimeException {
    private static final long serialVersionUID = 1;

    Uncovered(NodeProto node, String reason) {
        super(node.title() + " is not covered: " + reason);
    }

    Uncovered(String reason) {
        super(reason);
    }
}
