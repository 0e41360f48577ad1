package org.facerecognition.onnx;

import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * What an ONNX file holds, as far as inference needs it.
 *
 * @param opset the version of the standard operator set
 * @param nodes of the graph, in the order of execution
 * @param initializers the graph's constants by name
 * @param inputs of the graph that are not initializers
 * @param outputs of the graph
 * @param metadata free text by key
 */
record ModelProto(
        long opset,
        List<NodeProto> nodes,
        Map<String, TensorProto> initializers,
        List<ValueProto> inputs,
        List<ValueProto> outputs,
        Map<String, String> metadata) {

    /**
     * The latest operator set whose operators this library knows. From 22 to 25, those that it covers only take more
     * types: bfloat16, and floats and integers of a few bits.
     */
    private static final long LATEST_OPSET = 25;

    /** @throws Uncovered when the operator set is a later one, whose operators may compute something else */
    void requireKnownOperators() {
        if (opset > LATEST_OPSET) {
            throw new Uncovered("operator set " + opset + " is not covered: the latest is " + LATEST_OPSET);
        }
    }

    /** Returns the node that makes each value; an omitted result has no name, like an omitted input. */
    Map<String, NodeProto> producers() {
        Map<String, NodeProto> producers = new HashMap<>();
        nodes.forEach(node ->
                node.outputs().stream().filter(name -> !name.isEmpty()).forEach(name -> producers.put(name, node)));
        return producers;
    }

    /**
     * An input or output of a graph.
     *
     * @param type one of {@link TensorProto}'s types; 0 if the file does not say it
     * @param shape {@link #FREE} for a dimension of any size; empty if the file does not say it
     */
    record ValueProto(String name, int type, long[] shape) {
        /** A size that the file leaves open. */
        static final long FREE = -1;
    }
}
