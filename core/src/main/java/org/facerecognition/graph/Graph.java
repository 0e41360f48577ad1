package org.facerecognition.graph;

import java.util.ArrayList;
import java.util.List;
import java.util.function.BiFunction;
import org.bytedeco.javacpp.PointerScope;

/**
 * The operations of a network in evaluation mode, as nodes in the order of execution: the first stands for the images,
 * the last for the embeddings. A graph owns its tensor objects, but their memory may be the network's weights, in which
 * case the graph sees what training changes.
 */
public final class Graph implements AutoCloseable {
    private final List<Node> nodes;
    private final PointerScope tensors;

    private Graph(List<Node> nodes, PointerScope tensors) {
        this.nodes = List.copyOf(nodes);
        this.tensors = tensors;
    }

    /**
     * Returns the graph of the operations that {@code description} records. The graph owns all native objects that are
     * created meanwhile.
     *
     * @param description takes a builder and the images, and returns the embeddings
     * @return owned
     */
    public static Graph of(BiFunction<GraphBuilder, Value, Value> description) {
        PointerScope scope = new PointerScope();
        boolean done = false;
        try {
            GraphBuilder builder = new GraphBuilder();
            Value result = description.apply(builder, builder.add(new Operation.Input()));
            Graph graph = new Graph(prune(builder.nodes(), result), scope.extend());
            done = true;
            return graph;
        } finally {
            scope.close();
            if (!done) {
                scope.deallocate();
            }
        }
    }

    /**
     * Returns this graph preceded by the normalization of pixels and followed by the L2 normalization of embeddings.
     *
     * @return owned; it shares the tensors of this graph, which must stay open as long
     */
    public Graph between(Operation.Normalize before, Operation.L2Normalize after) {
        return of((builder, pixels) -> {
            Value[] renamed = new Value[nodes.size()];
            renamed[0] = builder.add(before, pixels);
            for (int i = 1; i < nodes.size(); i++) {
                Node node = nodes.get(i);
                renamed[i] = builder.add(
                        node.operation(),
                        node.inputs().stream()
                                .map(value -> renamed[value.node()])
                                .toArray(Value[]::new));
            }
            return builder.add(after, renamed[nodes.size() - 1]);
        });
    }

    /** Returns the input and the nodes that the result depends on, renumbered. */
    private static List<Node> prune(List<Node> nodes, Value result) {
        boolean[] used = new boolean[nodes.size()];
        used[0] = true;
        used[result.node()] = true;
        for (int i = nodes.size() - 1; i > 0; i--) {
            if (used[i]) {
                nodes.get(i).inputs().forEach(value -> used[value.node()] = true);
            }
        }
        int[] renumbered = new int[nodes.size()];
        List<Node> kept = new ArrayList<>();
        for (int i = 0; i < nodes.size(); i++) {
            if (used[i]) {
                renumbered[i] = kept.size();
                kept.add(new Node(
                        nodes.get(i).operation(),
                        nodes.get(i).inputs().stream()
                                .map(value -> new Value(renumbered[value.node()]))
                                .toList()));
            }
        }
        return kept; // the result is last, since nodes depend only on earlier ones and those it does not need are gone
    }

    /** Returns the nodes in the order of execution. */
    public List<Node> nodes() {
        return nodes;
    }

    /** Returns the node whose output is {@code value}. */
    public Node node(Value value) {
        return nodes.get(value.node());
    }

    /** Returns the number of inputs that take each node's output, by the index of the node. */
    public int[] uses() {
        int[] uses = new int[nodes.size()];
        nodes.forEach(node -> node.inputs().forEach(value -> uses[value.node()]++));
        return uses;
    }

    /** Closes the graph's tensor objects; weights shared with a network stay. */
    @Override
    public void close() {
        tensors.close();
    }
}
