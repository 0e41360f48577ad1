package org.facerecognition.inference;

import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.facerecognition.graph.Constant;
import org.facerecognition.graph.Operation;
import org.facerecognition.graph.Operation.Activation;
import org.facerecognition.graph.Operation.Add;
import org.facerecognition.graph.Operation.BatchNorm;
import org.facerecognition.graph.Operation.Convolution;
import org.facerecognition.graph.Operation.Flatten;
import org.facerecognition.graph.Operation.GlobalAveragePool;
import org.facerecognition.graph.Operation.L2Normalize;
import org.facerecognition.graph.Operation.Linear;
import org.facerecognition.graph.Operation.MaxPool;
import org.facerecognition.graph.Operation.Normalize;
import org.facerecognition.graph.Operation.PRelu;
import org.facerecognition.graph.Operation.Scale;
import org.jspecify.annotations.Nullable;

/**
 * Infers the shapes of a network's values for one image, without the batch dimension: [C, H, W] or [D]. It also checks
 * that the layers fit each other, which oneDNN does not: it would read beyond the end of a value that is too small.
 */
final class Shapes {
    private Shapes() {}

    /**
     * Returns shapes by the values' numbers; null for values that fusing has removed.
     *
     * @param valueCount the number of values in the graph
     * @throws UnsupportedOperationException when layers do not fit each other
     */
    static long[][] of(List<FusedNode> nodes, int valueCount, int sizePx) {
        long[][] shapes = new long[valueCount][];
        shapes[0] = new long[] {3, sizePx, sizePx};
        for (FusedNode node : nodes) {
            long[] in = shapes[node.inputs().get(0)];
            long[] second =
                    node.inputs().size() < 2 ? null : shapes[node.inputs().get(1)];
            long[] out = infer(node.operation(), in, second);
            if (node.addend() != FusedNode.NONE) {
                infer(new Add(), out, shapes[node.addend()]);
            }
            if (node.then() != null) {
                infer(node.then(), out, null);
            }
            shapes[node.output()] = out;
        }
        return shapes;
    }

    private static long[] infer(Operation operation, long[] in, long @Nullable [] second) {
        long[] out = operation.accept(new Inference(in, second));
        require(Arrays.stream(out).allMatch(side -> side > 0), operation, in);
        return out;
    }

    /**
     * Returns the shape of an operation's result, and throws if the inputs do not fit the operation.
     *
     * @param in the shape of the first input
     * @param second the shape of the second input, if there is one
     */
    private record Inference(long[] in, long @Nullable [] second) implements Operation.Visitor<long[]> {
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
                weight[0],
                side(in[1], weight[2], c.stride(), c.padding()),
                side(in[2], weight[3], c.stride(), c.padding())
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
            requirePair(Arrays.equals(in, second), add);
            return in;
        }

        @Override
        public long[] scale(Scale scale) {
            requirePair(in.length == 3 && Arrays.equals(new long[] {in[0], 1, 1}, second), scale);
            return in;
        }

        @Override
        public long[] maxPool(MaxPool p) {
            require(in.length == 3, p, in);
            return new long[] {
                in[0],
                side(in[1], p.kernel(), p.stride(), p.padding()),
                side(in[2], p.kernel(), p.stride(), p.padding())
            };
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
                throw misfit(operation, Arrays.toString(in) + " and " + Arrays.toString(second));
            }
        }

        private static long side(long side, long kernel, int stride, int padding) {
            return Math.floorDiv(side + 2L * padding - kernel, (long) stride) + 1;
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

    /** Returns the number of elements of a value. */
    static long size(long[] shape) {
        return Arrays.stream(shape).reduce(1, (a, b) -> a * b);
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
