package org.facerecognition.onnx;

import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Collections;
import java.util.Deque;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Finds the nodes that results depend on: others need not be covered. */
final class NeededNodes {
    private NeededNodes() {}

    /** Returns the nodes in their order, which is that of execution. */
    static List<NodeProto> of(ModelProto model, List<String> outputs) {
        Map<String, NodeProto> producers = model.producers();
        Set<NodeProto> needed = Collections.newSetFromMap(new IdentityHashMap<>());
        Set<String> seen = new HashSet<>(outputs);
        Deque<String> names = new ArrayDeque<>(seen);
        while (!names.isEmpty()) {
            NodeProto producer = producers.get(names.pop());
            if (producer != null && needed.add(producer)) {
                producer.inputs().stream().filter(seen::add).forEach(names::add);
            }
        }
        return Arrays.asList(model.nodes().stream().filter(needed::contains).toArray(NodeProto[]::new));
    }
}
