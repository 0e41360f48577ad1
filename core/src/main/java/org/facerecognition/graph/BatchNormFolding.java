package org.facerecognition.graph;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
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

    /** The function x * scale + shift per channel. */
    private record Affine(double[] scale, double[] shift) {
        static Affine of(BatchNorm norm) {
            float[] mean = norm.mean().values();
            float[] variance = norm.variance().values();
            float[] weight = norm.weight().values();
            float[] bias = norm.bias().values();
            double[] scale = new double[mean.length];
            double[] shift = new double[mean.length];
            for (int i = 0; i < scale.length; i++) {
                scale[i] = weight[i] / Math.sqrt(variance[i] + norm.epsilon());
                shift[i] = bias[i] - mean[i] * scale[i];
            }
            return new Affine(scale, shift);
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
    static @Nullable Operation foldInto(Operation before, BatchNorm norm) {
        if (before instanceof Convolution c) {
            Affine affine = Affine.of(norm);
            Constant weight = scaledRows(c.weight(), affine.scale);
            return new Convolution(weight, foldedBias(c.bias(), affine), c.window(), c.groups());
        }
        if (before instanceof Linear l) {
            Affine affine = Affine.of(norm);
            return new Linear(scaledRows(l.weight(), affine.scale), foldedBias(l.bias(), affine));
        }
        return null;
    }

    /** Returns weights whose entries of the first dimension are each multiplied by a factor. */
    private static Constant scaledRows(Constant weight, double[] factors) {
        long[] shape = weight.shape();
        int row = Math.toIntExact(weight.count() / shape[0]);
        return new ComputedConstant(shape, target -> {
            int begin = target.position();
            weight.copyTo(target);
            for (int i = begin; i < target.position(); i++) {
                target.put(i, (float) (target.get(i) * factors[(i - begin) / row]));
            }
        });
    }

    private static Constant foldedBias(@Nullable Constant bias, Affine affine) {
        float[] before = bias == null ? new float[affine.shift.length] : bias.values();
        float[] folded = new float[before.length];
        for (int i = 0; i < folded.length; i++) {
            folded[i] = (float) (before[i] * affine.scale[i] + affine.shift[i]);
        }
        return Constant.of(folded, folded.length);
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
        Constant weight = linear.weight(); // [out, C * positions]
        int columns = Math.toIntExact(weight.size(1));
        int positions = columns / affine.scale.length;
        float[] before = weight.values();
        float[] bias = linear.bias() == null
                ? new float[before.length / columns]
                : linear.bias().values();
        for (int row = 0; row < bias.length; row++) {
            double sum = bias[row];
            for (int column = 0; column < columns; column++) {
                sum += before[row * columns + column] * affine.shift[column / positions];
            }
            bias[row] = (float) sum;
        }
        Constant scaled = new ComputedConstant(weight.shape(), target -> {
            int begin = target.position();
            weight.copyTo(target);
            for (int i = begin; i < target.position(); i++) {
                target.put(i, (float) (target.get(i) * affine.scale[(i - begin) % columns / positions]));
            }
        });
        return new Linear(scaled, Constant.of(bias, bias.length));
    }
}
