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
 * Does away with batch normalizations by changing the weights of their neighbors: in evaluation they only multiply and add
 * by channel.
 *
 * <p>One after a convolution or a linear layer goes into that; one before a linear layer, a flattening between, into
 * that one. One before a convolution with padding stays: the zero around the image would have to become another
 * value. The arithmetic is in float64, rounded once, and on the CPU, so that what is exported does not depend on where
 * the network is.
 */
public final class BatchNormFolding {
    private final Graph graph;
    private final int[] uses;
    private final Map<Integer, Affine> pending = new HashMap<>(); // of linear layers, by number

    private BatchNormFolding(Graph graph) {
        this.graph = graph;
        this.uses = graph.uses();
    }

    /**
     * The same with fewer normalizations. Weights that are not changed are the given graph's, which must stay open as long.
     *
     * @return to be closed
     */
    public static Graph fold(Graph graph) {
        BatchNormFolding folding = new BatchNormFolding(graph);
        return Graph.of((builder, images) -> folding.rewrite(builder, images));
    }

    /** x * scale + shift, both [C] in float64. */
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

    private Value normalization(GraphBuilder builder, BatchNorm norm, int number, Value original, Value input) {
        if (uses[original.node()] == 1) {
            Operation folded = after(builder.operation(input), norm);
            if (folded != null) {
                return builder.add(folded, builder.inputs(input)); // what it takes the place of is used by nobody
            }
        }
        int linear = linearAfter(number);
        if (linear >= 0) {
            pending.put(linear, Affine.of(norm));
            return input;
        }
        return builder.add(norm, input);
    }

    private static @Nullable Operation after(Operation before, BatchNorm norm) {
        Affine affine = Affine.of(norm);
        if (before instanceof Convolution c) {
            Tensor weight = wide(c.weight()).mul(affine.scale.reshape(-1, 1, 1, 1));
            return new Convolution(narrow(weight), moved(c.bias(), affine), c.stride(), c.padding(), c.groups());
        }
        if (before instanceof Linear l) {
            return new Linear(narrow(wide(l.weight()).mul(affine.scale.reshape(-1, 1))), moved(l.bias(), affine));
        }
        return null;
    }

    private static Tensor moved(@Nullable Tensor bias, Affine affine) {
        return narrow(bias == null ? affine.shift : wide(bias).mul(affine.scale).add(affine.shift));
    }

    /** The number of the linear layer that alone takes the value, flattened or not; -1 when there is none. */
    private int linearAfter(int number) {
        int next = onlyUser(number);
        if (next >= 0 && graph.nodes().get(next).operation() instanceof Flatten) {
            next = onlyUser(next);
        }
        return next >= 0 && graph.nodes().get(next).operation() instanceof Linear ? next : -1;
    }

    private int onlyUser(int number) {
        if (uses[number] != 1) {
            return -1;
        }
        Value value = new Value(number);
        for (int i = number + 1; i < graph.nodes().size(); i++) {
            if (graph.nodes().get(i).inputs().contains(value)) {
                return i;
            }
        }
        return -1;
    }

    /** A linear layer sees each channel as so many columns, one for each place. */
    private Operation withPending(int number, Operation operation) {
        Affine affine = pending.get(number);
        if (affine == null) {
            return operation;
        }
        Linear linear = (Linear) operation;
        Tensor weight = wide(linear.weight()); // [out, C * places]
        long places = weight.size(1) / affine.scale.numel();
        Tensor shift = torch.mv(weight, affine.shift.repeat_interleave(places));
        Tensor bias = linear.bias() == null ? shift : wide(linear.bias()).add(shift);
        return new Linear(narrow(weight.mul(affine.scale.repeat_interleave(places))), narrow(bias));
    }

    private static Tensor wide(Tensor x) {
        return x.to(new Device("cpu"), ScalarType.Double);
    }

    private static Tensor narrow(Tensor x) {
        return x.to(ScalarType.Float);
    }
}
