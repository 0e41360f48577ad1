package org.facerecognition.graph;

import java.util.ArrayList;
import java.util.List;
import java.util.function.BiFunction;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;

/**
 * What a network does to images in evaluation: nodes in the order of work, the first being the images and the last the
 * embeddings. Owns the handles of its tensors, which may be the network's own: then it sees what training changes.
 */
public final class Graph implements AutoCloseable {
    private final List<Node> nodes;
    private final PointerScope tensors;

    private Graph(List<Node> nodes, PointerScope tensors) {
        this.nodes = List.copyOf(nodes);
        this.tensors = tensors;
    }

    /**
     * A graph of what {@code description} does with a builder and the images. All native objects that it makes meanwhile
     * belong to the graph.
     *
     * @param description returns the embeddings
     */
    public static Graph of(BiFunction<GraphBuilder, Value, Value> description) {
        PointerScope scope = new PointerScope();
        boolean done = false;
        try (NoGradGuard noGrad = new NoGradGuard()) {
            GraphBuilder builder = new GraphBuilder();
            Value result = description.apply(builder, builder.add(new Operation.Input()));
            Graph graph = new Graph(withoutTheUnused(builder.nodes(), result), scope.extend());
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
     * The same with normalization of pixels before it and embeddings brought to length 1 after it.
     *
     * @return to be closed; shares this one's tensors, which must stay
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

    /** Nodes that the result needs, and the input, renumbered. */
    private static List<Node> withoutTheUnused(List<Node> nodes, Value result) {
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
        return kept; // the result is last: what it does not need is gone, and nodes need only earlier ones
    }

    /** In the order of work. */
    public List<Node> nodes() {
        return nodes;
    }

    public Node node(Value value) {
        return nodes.get(value.node());
    }

    /** How many nodes take each node's value, by number. */
    public int[] uses() {
        int[] uses = new int[nodes.size()];
        nodes.forEach(node -> node.inputs().forEach(value -> uses[value.node()]++));
        return uses;
    }

    /** Forgets its handles of tensors. */
    @Override
    public void close() {
        tensors.close();
    }
}
