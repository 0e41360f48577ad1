package org.facerecognition.inference;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.facerecognition.graph.Graph;
import org.facerecognition.graph.Node;
import org.facerecognition.graph.Operation;
import org.facerecognition.graph.Operation.Add;
import org.facerecognition.graph.Operation.Convolution;
import org.facerecognition.graph.Operation.Flatten;
import org.facerecognition.graph.Operation.Pointwise;
import org.facerecognition.graph.Operation.Unflatten;
import org.facerecognition.graph.Value;
import org.jspecify.annotations.Nullable;

/**
 * An operation and the operations that are fused with it, so that all of them run in one pass over memory. A
 * convolution absorbs the addition to its result and the pointwise operation after it: {@code then(operation(inputs) +
 * addend)}. Other operations are not fused.
 *
 * @param operation the operation of the first fused node
 * @param then the pointwise operation on the result, after the addition; only for convolutions
 * @param inputs the numbers of the values that the operation takes
 * @param addend the number of the value that is added to the result, or {@link #NONE}; only for convolutions
 * @param output the number of the value that is produced
 * @param dead the numbers of the values whose memory is used by this node for the last time
 */
record FusedNode(
        Operation operation,
        @Nullable Pointwise then,
        List<Integer> inputs,
        int addend,
        int output,
        List<Integer> dead) {

    static final int NONE = -1;

    /**
     * Returns whether the sum can overwrite the addend: it can if the addend is not needed later, is not an input of
     * this operation, and is not value 0, which is the caller's images.
     */
    boolean addsInPlace() {
        return addend > 0 && dead.contains(addend) && !inputs.contains(addend);
    }

    /** Returns this node without what follows its operation. */
    FusedNode withoutAddend() {
        return new FusedNode(operation, null, inputs, NONE, output, dead);
    }

    /** Fuses the nodes of a graph; the result is in execution order. */
    static List<FusedNode> of(Graph graph) {
        return withDeadValues(new Fusion(graph).run());
    }

    /** One pass over a graph that fuses each convolution with the operations that follow it. */
    private static final class Fusion {
        private final List<Node> nodes;
        private final int[] uses;
        private final int[] producer; // by node: the node that produces its value after fusing
        private final boolean[] fused; // by node: whether a convolution has absorbed it

        Fusion(Graph graph) {
            this.nodes = graph.nodes();
            this.uses = graph.uses();
            this.producer = new int[nodes.size()];
            this.fused = new boolean[nodes.size()];
        }

        List<FusedNode> run() {
            List<FusedNode> result = new ArrayList<>();
            for (int i = 1; i < nodes.size(); i++) {
                if (!fused[i]) {
                    result.add(fuse(i));
                }
            }
            return result;
        }

        private FusedNode fuse(int number) {
            producer[number] = number;
            Operation operation = nodes.get(number).operation();
            int addend = NONE;
            Pointwise then = null;
            if (operation instanceof Convolution) {
                int next = onlyUser(number);
                if (next != NONE && nodes.get(next).operation() instanceof Add) {
                    int other = otherInput(nodes.get(next), number);
                    if (other < number) { // has been computed before the convolution
                        addend = producer[other];
                        absorb(next, number);
                        next = onlyUser(next);
                    }
                }
                if (next != NONE && !fused[next] && nodes.get(next).operation() instanceof Pointwise pointwise) {
                    then = pointwise;
                    absorb(next, number);
                }
            }
            List<Integer> inputs = nodes.get(number).inputs().stream()
                    .map(value -> producer[value.node()])
                    .toList();
            return new FusedNode(operation, then, inputs, addend, number, List.of());
        }

        private void absorb(int node, int convolution) {
            fused[node] = true;
            producer[node] = convolution;
        }

        private static int otherInput(Node sum, int input) {
            int a = sum.inputs().get(0).node();
            int b = sum.inputs().get(1).node();
            return a == input ? b : a;
        }

        /** Returns the only node that uses a node's value, or {@link #NONE}. */
        private int onlyUser(int number) {
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
    }

    /** Rows and the images that they are made of, or that are made of them, can be the same memory. */
    private static List<FusedNode> withDeadValues(List<FusedNode> nodes) {
        Map<Integer, Integer> memory = new HashMap<>(Map.of(0, 0)); // from a value to the first one in the same memory
        Map<Integer, Integer> lastUse = new HashMap<>(); // from a value to an index in the list; of its memory
        for (int i = 0; i < nodes.size(); i++) {
            FusedNode node = nodes.get(i);
            boolean shares = node.operation instanceof Flatten || node.operation instanceof Unflatten;
            int first = shares ? Objects.requireNonNull(memory.get(node.inputs.get(0))) : node.output;
            memory.put(node.output, first);
            for (int value : node.valuesUsed()) {
                lastUse.put(Objects.requireNonNull(memory.get(value)), i);
            }
        }
        List<FusedNode> result = new ArrayList<>();
        for (int i = 0; i < nodes.size(); i++) {
            FusedNode node = nodes.get(i);
            int index = i;
            List<Integer> dead = Arrays.stream(node.valuesUsed())
                    .filter(value -> Objects.equals(lastUse.get(memory.get(value)), index))
                    .filter(value -> value != node.addend || !node.readsMemoryOf(value, memory))
                    .distinct()
                    .boxed()
                    .toList();
            result.add(new FusedNode(node.operation, node.then, node.inputs, node.addend, node.output, dead));
        }
        return result;
    }

    /** Returns whether an input, or the images of the caller, are in the memory of another value. */
    private boolean readsMemoryOf(int value, Map<Integer, Integer> memory) {
        Integer first = memory.get(value);
        return value != 0 && Objects.equals(first, 0)
                || inputs.stream().anyMatch(input -> input != value && Objects.equals(memory.get(input), first));
    }

    /** Returns this node with operations whose constants have no values. */
    FusedNode withoutValues() {
        Pointwise pointwise = then == null ? null : (Pointwise) then.accept(OperationShapes.INSTANCE);
        return new FusedNode(operation.accept(OperationShapes.INSTANCE), pointwise, inputs, addend, output, dead);
    }

    int[] valuesUsed() {
        int[] values = inputs.stream().mapToInt(Integer::intValue).toArray();
        if (addend != NONE) {
            values = Arrays.copyOf(values, values.length + 1);
            values[values.length - 1] = addend;
        }
        return values;
    }
}
