package org.facerecognition.inference;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.facerecognition.graph.Graph;
import org.facerecognition.graph.Node;
import org.facerecognition.graph.Operation;
import org.facerecognition.graph.Operation.Activation;
import org.facerecognition.graph.Operation.PRelu;
import org.facerecognition.graph.Value;
import org.jspecify.annotations.Nullable;

/**
 * An operation and what is done along with it, in one pass over memory.
 *
 * @param operation a node's
 * @param then what is done to its result, after the addition: an activation or a PReLU; of a convolution only
 * @param inputs numbers of the values it takes
 * @param addend number of the value that is added to its result, -1 for none; of a convolution only
 * @param output number of the value it gives
 * @param dead numbers of values that nobody needs after it
 */
record FusedNode(
        Operation operation,
        @Nullable Operation then,
        List<Integer> inputs,
        int addend,
        int output,
        List<Integer> dead) {

    static final int NONE = -1;

    /** Whether the sum can be written where the addend was: it is needed no more, nor read meanwhile. */
    boolean addsInPlace() {
        return addend > 0 && dead.contains(addend) && !inputs.contains(addend); // 0 is the caller's
    }

    /** What a graph's nodes become, in the order of work. */
    static List<FusedNode> of(Graph graph) {
        List<Node> nodes = graph.nodes();
        int[] uses = graph.uses();
        int[] place = new int[nodes.size()]; // where a node's value is to be found
        boolean[] fused = new boolean[nodes.size()];
        List<FusedNode> result = new ArrayList<>();
        for (int i = 1; i < nodes.size(); i++) {
            if (fused[i]) {
                continue;
            }
            place[i] = i;
            Operation operation = nodes.get(i).operation();
            int addend = NONE;
            Operation then = null;
            if (operation instanceof Operation.Convolution) {
                int next = onlyUser(nodes, uses, i);
                if (next != NONE && nodes.get(next).operation() instanceof Operation.Add) {
                    int other = other(nodes.get(next), i);
                    if (other < i) { // it is there already
                        addend = place[other];
                        fused[next] = true;
                        place[next] = i;
                        next = onlyUser(nodes, uses, next);
                    }
                }
                then = next == NONE || fused[next] ? null : activation(nodes.get(next));
                if (then != null) {
                    fused[next] = true;
                    place[next] = i;
                }
            }
            List<Integer> inputs = nodes.get(i).inputs().stream()
                    .map(value -> place[value.node()])
                    .toList();
            result.add(new FusedNode(operation, then, inputs, addend, i, List.of()));
        }
        return withTheDead(result);
    }

    private static @Nullable Operation activation(Node node) {
        Operation operation = node.operation();
        return operation instanceof Activation || operation instanceof PRelu ? operation : null;
    }

    private static int other(Node sum, int one) {
        int a = sum.inputs().get(0).node();
        int b = sum.inputs().get(1).node();
        return a == one ? b : a;
    }

    private static int onlyUser(List<Node> nodes, int[] uses, int number) {
        if (uses[number] != 1) {
            return NONE;
        }
        Value value = new Value(number);
        for (int i = number + 1; i < nodes.size(); i++) {
            if (nodes.get(i).inputs().contains(value)) {
                return i;
            }
        }
        return NONE;
    }

    private static List<FusedNode> withTheDead(List<FusedNode> nodes) {
        Map<Integer, Integer> lastUse = new HashMap<>(); // of a value, in which place of the list
        for (int i = 0; i < nodes.size(); i++) {
            for (int value : nodes.get(i).values()) {
                lastUse.put(value, i);
            }
        }
        List<FusedNode> result = new ArrayList<>();
        for (int i = 0; i < nodes.size(); i++) {
            FusedNode node = nodes.get(i);
            int now = i;
            List<Integer> dead = Arrays.stream(node.values())
                    .filter(value -> lastUse.get(value) == now)
                    .distinct()
                    .boxed()
                    .toList();
            result.add(new FusedNode(node.operation, node.then, node.inputs, node.addend, node.output, dead));
        }
        return result;
    }

    private int[] values() {
        int[] values = inputs.stream().mapToInt(Integer::intValue).toArray();
        if (addend != NONE) {
            values = Arrays.copyOf(values, values.length + 1);
            values[values.length - 1] = addend;
        }
        return values;
    }
}
