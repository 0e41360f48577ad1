package org.facerecognition.onnx;

import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Finds the nodes that a result depends on: others need not be covered. */
final class NeededNodes {
    private NeededNodes() {}

    /** Returns the nodes in their order, which is that of execution. */
    static List<NodeProto> of(ModelProto model, String output) {
        Map<String, NodeProto> producers = new HashMap<>();
        model.nodes().forEach(node -> node.outputs().forEach(name -> producers.put(name, node)));
        Set<NodeProto> needed = new HashSet<>();
        Deque<String> names = new ArrayDeque<>(List.of(output));
        while (!names.isEmpty()) {
            NodeProto producer = producers.get(names.pop());
            if (producer != null && needed.add(producer)) {
                names.addAll(producer.inputs());
            }
        }
        return Arrays.asList(model.nodes().stream().filter(needed::contains).toArray(NodeProto[]::new));
    }
}
