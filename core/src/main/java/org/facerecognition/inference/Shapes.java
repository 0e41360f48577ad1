package org.facerecognition.inference;

import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.stream.Collectors;
import org.facerecognition.graph.Constant;
import org.facerecognition.graph.Graph;
import org.facerecognition.graph.Node;
import org.facerecognition.graph.Operation;
import org.facerecognition.graph.Operation.Activation;
import org.facerecognition.graph.Operation.Add;
import org.facerecognition.graph.Operation.AveragePool;
import org.facerecognition.graph.Operation.BatchNorm;
import org.facerecognition.graph.Operation.Clip;
import org.facerecognition.graph.Operation.Concat;
import org.facerecognition.graph.Operation.Convolution;
import org.facerecognition.graph.Operation.Flatten;
import org.facerecognition.graph.Operation.GlobalAveragePool;
import org.facerecognition.graph.Operation.HardSigmoid;
import org.facerecognition.graph.Operation.L2Normalize;
import org.facerecognition.graph.Operation.Linear;
import org.facerecognition.graph.Operation.MaxPool;
import org.facerecognition.graph.Operation.Normalize;
import org.facerecognition.graph.Operation.PRelu;
import org.facerecognition.graph.Operation.Scale;
import org.facerecognition.graph.Operation.ShuffleChannels;
import org.facerecognition.graph.Operation.SliceChannels;
import org.facerecognition.graph.Operation.Unflatten;
import org.facerecognition.graph.Operation.Upsample;
import org.facerecognition.graph.Window;

/**
 * Infers the shapes of a network's values for one image, without the batch dimension: [C, H, W] or [D]. It also checks
 * that the layers fit each other, which oneDNN does not: it would read beyond the end of a value that is too small.
 */
final class Shapes {
    private Shapes() {}

    /**
     * Returns the shape of each value of a network as it is described, before anything in it is folded or fused.
     *
     * @throws UnsupportedOperationException when layers do not fit each other
     */
    static long[][] of(Graph graph, int heightPx, int widthPx) {
        List<Node> nodes = graph.nodes();
        long[][] shapes = new long[nodes.size()][];
        shapes[0] = new long[] {3, heightPx, widthPx};
        for (int i = 1; i < shapes.length; i++) {
            Node node = nodes.get(i);
            shapes[i] = infer(
                    node.operation(),
                    node.inputs().stream().map(value -> shapes[value.node()]).toArray(long[][]::new));
        }
        return shapes;
    }

    /**
     * Returns shapes by the values' numbers; null for values that fusing has removed.
     *
     * @param valueCount the number of values in the graph
     * @throws UnsupportedOperationException when layers do not fit each other
     */
    static long[][] of(List<FusedNode> nodes, int valueCount, int heightPx, int widthPx) {
        long[][] shapes = new long[valueCount][];
        shapes[0] = new long[] {3, heightPx, widthPx};
        for (FusedNode node : nodes) {
            long[] out = infer(
                    node.operation(),
                    node.inputs().stream().map(value -> shapes[value]).toArray(long[][]::new));
            if (node.addend() != FusedNode.NONE) {
                infer(new Add(), out, shapes[node.addend()]);
            }
            if (node.then() != null) {
                infer(node.then(), out);
            }
            shapes[node.output()] = out;
        }
        return shapes;
    }

    private static long[] infer(Operation operation, long[]... inputs) {
        long[] out = operation.accept(new Inference(inputs[0], inputs));
        require(Arrays.stream(out).allMatch(side -> side > 0), operation, inputs[0]);
        return out;
    }

    /**
     * Returns the shape of an operation's result, and throws if the inputs do not fit the operation.
     *
     * @param in the shape of the first input
     * @param all the shapes of all inputs
     */
    private record Inference(long[] in, long[][] all) implements Operation.Visitor<long[]> {
        @Override
        public long[] normalize(Normalize normalize) {
            return in;
        }

        @Override
        public long[] l2Normalize(L2Normalize l2Normalize) {
            return in;
        }

        @Override
        public long[] convolution(Convolution c) {
            long[] weight = c.weight().shape(); // [out, in / groups, height, width]
            require(in.length == 3 && weight.length == 4 && weight[1] * c.groups() == in[0], c, in);
            require(weight[0] % c.groups() == 0 && (c.bias() == null || c.bias().count() == weight[0]), c, in);
            return new long[] {
                weight[0], c.window().positionsY(in[1], weight[2]), c.window().positionsX(in[2], weight[3])
            };
        }

        @Override
        public long[] linear(Linear l) {
            long[] weight = l.weight().shape(); // [out, in]
            require(in.length == 1 && weight.length == 2 && weight[1] == in[0], l, in);
            require(l.bias() == null || l.bias().count() == weight[0], l, in);
            return new long[] {weight[0]};
        }

        @Override
        public long[] batchNorm(BatchNorm n) {
            for (Constant constant : List.of(n.mean(), n.variance(), n.weight(), n.bias())) {
                require(constant.count() == in[0], n, in);
            }
            return in;
        }

        @Override
        public long[] activation(Activation activation) {
            return in;
        }

        @Override
        public long[] prelu(PRelu p) {
            require(p.slopes().count() == 1 || p.slopes().count() == in[0], p, in);
            return in;
        }

        @Override
        public long[] add(Add add) {
            requirePair(Arrays.equals(in, all[1]), add);
            return in;
        }

        @Override
        public long[] scale(Scale scale) {
            boolean perChannel = in.length == 3 && Arrays.equals(new long[] {in[0], 1, 1}, all[1]);
            requirePair(perChannel || Arrays.equals(in, all[1]), scale);
            return in;
        }

        @Override
        public long[] maxPool(MaxPool p) {
            require(in.length == 3, p, in);
            return pooled(p, p.height(), p.width(), p.window());
        }

        @Override
        public long[] averagePool(AveragePool p) {
            require(in.length == 3 && p.window().dilationY() == 1 && p.window().dilationX() == 1, p, in);
            return pooled(p, p.height(), p.width(), p.window());
        }

        /** A window must not lie in the padding alone: it would have no maximum and no mean. */
        private long[] pooled(Operation pool, int height, int width, Window w) {
            long rows = w.positionsY(in[1], height);
            long columns = w.positionsX(in[2], width);
            boolean inside = w.top() < w.spanY(height)
                    && w.left() < w.spanX(width)
                    && (rows - 1) * w.strideY() - w.top() < in[1]
                    && (columns - 1) * w.strideX() - w.left() < in[2];
            require(inside, pool, in);
            return new long[] {in[0], rows, columns};
        }

        @Override
        public long[] clip(Clip clip) {
            return in;
        }

        @Override
        public long[] hardSigmoid(HardSigmoid hardSigmoid) {
            return in;
        }

        @Override
        public long[] concat(Concat concat) {
            long[] sum = in.clone();
            for (int i = 1; i < all.length; i++) {
                long[] next = all[i].clone();
                require(next.length == in.length, concat, in);
                sum[0] += next[0];
                next[0] = in[0];
                requirePair(Arrays.equals(in, next), concat);
            }
            return sum;
        }

        @Override
        public long[] sliceChannels(SliceChannels s) {
            require(in.length == 3 && s.from() >= 0 && s.from() < s.to() && s.to() <= in[0], s, in);
            return new long[] {s.to() - s.from(), in[1], in[2]};
        }

        @Override
        public long[] shuffleChannels(ShuffleChannels s) {
            require(in.length == 3 && in[0] == s.channels() && s.groups() > 0 && in[0] % s.groups() == 0, s, in);
            return in;
        }

        @Override
        public long[] upsample(Upsample u) {
            require(in.length == 3 && u.factor() > 0, u, in);
            return new long[] {in[0], u.factor() * in[1], u.factor() * in[2]};
        }

        @Override
        public long[] unflatten(Unflatten unflatten) {
            require(in.length == 1, unflatten, in);
            return new long[] {in[0], 1, 1};
        }

        @Override
        public long[] globalAveragePool(GlobalAveragePool pool) {
            require(in.length == 3, pool, in);
            return new long[] {in[0], 1, 1};
        }

        @Override
        public long[] flatten(Flatten flatten) {
            return new long[] {size(in)};
        }

        private void requirePair(boolean fits, Operation operation) {
            if (!fits) {
                throw misfit(operation, Arrays.stream(all).map(Arrays::toString).collect(Collectors.joining(" and ")));
            }
        }
    }

    private static void require(boolean fits, Operation operation, long[] in) {
        if (!fits) {
            throw misfit(operation, Arrays.toString(in));
        }
    }

    private static UnsupportedOperationException misfit(Operation operation, String inputs) {
        return new UnsupportedOperationException("a net to be prepared must describe layers that fit each other, but "
                + operation.getClass().getSimpleName() + " was given " + inputs + "; describe what forward does");
    }

    /** Returns the number of elements of a value; no more than fits into the type. */
    static long size(long[] shape) {
        return Arrays.stream(shape).reduce(1, (a, b) -> a > Long.MAX_VALUE / Math.max(1, b) ? Long.MAX_VALUE : a * b);
    }

    /** Returns the number of elements of the largest value. */
    static long largest(long[][] shapes) {
        return Arrays.stream(shapes)
                .filter(Objects::nonNull)
                .mapToLong(Shapes::size)
                .max()
                .orElse(1);
    }

    /** Returns a shape with the batch dimension in front. */
    static long[] batched(long count, long[] shape) {
        long[] batched = new long[shape.length + 1];
        batched[0] = count;
        System.arraycopy(shape, 0, batched, 1, shape.length);
        return batched;
    }
}
