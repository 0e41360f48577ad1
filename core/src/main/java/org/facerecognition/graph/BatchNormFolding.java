package org.facerecognition.graph;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.facerecognition.graph.Operation.BatchNorm;
import org.facerecognition.graph.Operation.Convolution;
import org.facerecognition.graph.Operation.Flatten;
import org.facerecognition.graph.Operation.Linear;
import org.jspecify.annotations.Nullable;

/**
 * Folds batch normalization into the adjacent convolution or linear weights. In evaluation mode, a batch normalization
 * only multiplies each channel by a scale and adds a shift.
 *
 * <p>A normalization after a convolution or a linear layer is folded into that layer; one before a linear layer, with
 * or without a flattening between them, into the linear layer. A normalization before a convolution stays: with
 * padding, the zeros around the image would have to become other values. The arithmetic is in float64 on the CPU and
 * rounded once, so that an exported network does not depend on the device of the original.
 */
public final class BatchNormFolding {
    private final Graph graph;
    private final int[] uses;
    private final Map<Integer, Affine> pending = new HashMap<>(); // to fold into a linear layer, by the layer's index

    private BatchNormFolding(Graph graph) {
        this.graph = graph;
        this.uses = graph.uses();
    }

    /**
     * Returns an equivalent graph with fewer normalizations.
     *
     * @param graph borrowed
     * @return owned; it shares the weights that do not change with {@code graph}, which must stay open as long
     */
    public static Graph fold(Graph graph) {
        BatchNormFolding folding = new BatchNormFolding(graph);
        return Graph.of((builder, images) -> folding.rewrite(builder, images));
    }

    /** The function x * scale + shift per channel; both are [C], float64. */
    private record Affine(Tensor scale, Tensor shift) {
        static Affine of(BatchNorm norm) {
            Tensor variance = wide(norm.variance()).add(new Scalar(norm.epsilon()));
            Tensor scale = wide(norm.weight()).div(torch.sqrt(variance));
            return new Affine(scale, wide(norm.bias()).sub(wide(norm.mean()).mul(scale)));
        }
    }

    private Value rewrite(GraphBuilder builder, Value images) {
        List<Node> nodes = graph.nodes();
        Value[] renamed = new Value[nodes.size()];
        renamed[0] = images;
        for (int i = 1; i < nodes.size(); i++) {
            Node node = nodes.get(i);
            Value[] inputs =
                    node.inputs().stream().map(value -> renamed[value.node()]).toArray(Value[]::new);
            renamed[i] = node.operation() instanceof BatchNorm norm
                    ? normalization(builder, norm, i, node.input(), inputs[0])
                    : builder.add(withPending(i, node.operation()), inputs);
        }
        return renamed[nodes.size() - 1];
    }

    private Value normalization(GraphBuilder builder, BatchNorm norm, int index, Value original, Value input) {
        if (uses[original.node()] == 1) {
            Operation folded = foldInto(builder.operation(input), norm);
            if (folded != null) {
                return builder.add(folded, builder.inputs(input)); // the operation it replaces is unused and pruned
            }
        }
        int linear = linearAfter(index);
        if (linear >= 0) {
            pending.put(linear, Affine.of(norm));
            return input;
        }
        return builder.add(norm, input);
    }

    /** Returns {@code before} with {@code norm} folded in; null if it is neither a convolution nor a linear layer. */
    private static @Nullable Operation foldInto(Operation before, BatchNorm norm) {
        Affine affine = Affine.of(norm);
        if (before instanceof Convolution c) {
            Tensor weight = wide(c.weight()).mul(affine.scale.reshape(-1, 1, 1, 1));
            return new Convolution(narrow(weight), foldedBias(c.bias(), affine), c.stride(), c.padding(), c.groups());
        }
        if (before instanceof Linear l) {
            return new Linear(narrow(wide(l.weight()).mul(affine.scale.reshape(-1, 1))), foldedBias(l.bias(), affine));
        }
        return null;
    }

    private static Tensor foldedBias(@Nullable Tensor bias, Affine affine) {
        return narrow(bias == null ? affine.shift : wide(bias).mul(affine.scale).add(affine.shift));
    }

    /** Returns the index of the linear layer that is the only user of a node, flattened or not; -1 if there is none. */
    private int linearAfter(int index) {
        int next = onlyUser(index);
        if (next >= 0 && graph.nodes().get(next).operation() instanceof Flatten) {
            next = onlyUser(next);
        }
        return next >= 0 && graph.nodes().get(next).operation() instanceof Linear ? next : -1;
    }

    private int onlyUser(int index) {
        if (uses[index] != 1) {
            return -1;
        }
        Value value = new Value(index);
        for (int i = index + 1; i < graph.nodes().size(); i++) {
            if (graph.nodes().get(i).inputs().contains(value)) {
                return i;
            }
        }
        return -1;
    }

    /** Folds a pending normalization into a linear layer, whose weight has one column per channel and position. */
    private Operation withPending(int index, Operation operation) {
        Affine affine = pending.get(index);
        if (affine == null) {
            return operation;
        }
        Linear linear = (Linear) operation;
        Tensor weight = wide(linear.weight()); // [out, C * positions]
        long positions = weight.size(1) / affine.scale.numel();
        Tensor shift = torch.mv(weight, affine.shift.repeat_interleave(positions));
        Tensor bias = linear.bias() == null ? shift : wide(linear.bias()).add(shift);
        return new Linear(narrow(weight.mul(affine.scale.repeat_interleave(positions))), narrow(bias));
    }

    private static Tensor wide(Tensor x) {
        return x.to(new Device("cpu"), ScalarType.Double);
    }

    private static Tensor narrow(Tensor x) {
        return x.to(ScalarType.Float);
    }
}
