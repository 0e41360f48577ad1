package org.facerecognition.inference;

import java.util.Arrays;
import java.util.List;
import org.facerecognition.graph.Operation;
import org.facerecognition.graph.Operation.BatchNorm;
import org.facerecognition.graph.Operation.Convolution;
import org.facerecognition.graph.Operation.Linear;
import org.facerecognition.graph.Operation.MaxPool;
import org.facerecognition.graph.Operation.PRelu;
import org.jspecify.annotations.Nullable;

/** Of the values in a net for one image, without the batch: [C, H, W] or [D]. */
final class Shapes {
    private Shapes() {}

    /**
     * By the values' numbers; null where a fused node leaves none.
     *
     * @param values how many numbers there are
     */
    static long[][] of(List<FusedNode> nodes, int values, int sizePx) {
        long[][] shapes = new long[values][];
        shapes[0] = new long[] {3, sizePx, sizePx};
        for (FusedNode node : nodes) {
            long[] in = shapes[node.inputs().get(0)];
            long[] out = of(node.operation(), in);
            check(
                    node.operation(),
                    in,
                    out,
                    node.inputs().size() < 2 ? null : shapes[node.inputs().get(1)]);
            if (node.addend() != FusedNode.NONE && !Arrays.equals(out, shapes[node.addend()])) {
                throw misfit(new Operation.Add(), out, shapes[node.addend()]);
            }
            if (node.then() != null) {
                check(node.then(), out, out, null);
            }
            shapes[node.output()] = out;
        }
        return shapes;
    }

    private static long[] of(Operation operation, long[] in) {
        if (operation instanceof Convolution c) {
            long[] weight = c.weight().shape();
            require(in.length == 3 && weight.length == 4 && weight[1] * c.groups() == in[0], operation, in);
            return new long[] {
                weight[0],
                side(in[1], weight[2], c.stride(), c.padding()),
                side(in[2], weight[3], c.stride(), c.padding())
            };
        } else if (operation instanceof MaxPool p) {
            require(in.length == 3, operation, in);
            return new long[] {
                in[0],
                side(in[1], p.kernel(), p.stride(), p.padding()),
                side(in[2], p.kernel(), p.stride(), p.padding())
            };
        } else if (operation instanceof Operation.GlobalAveragePool) {
            require(in.length == 3, operation, in);
            return new long[] {in[0], 1, 1};
        } else if (operation instanceof Operation.Flatten) {
            return new long[] {size(in)};
        } else if (operation instanceof Linear l) {
            require(in.length == 1 && l.weight().size(1) == in[0], operation, in);
            return new long[] {l.weight().size(0)};
        }
        return in;
    }

    /** What oneDNN does not check: it would read beyond the end of a value that is too small. */
    private static void check(Operation operation, long[] in, long[] out, long @Nullable [] second) {
        require(Arrays.stream(out).allMatch(side -> side > 0), operation, in);
        if (operation instanceof BatchNorm n) {
            require(n.mean().numel() == in[0], operation, in);
        } else if (operation instanceof PRelu p) {
            require(p.slopes().numel() == 1 || p.slopes().numel() == in[0], operation, in);
        } else if (operation instanceof Operation.Add && !Arrays.equals(in, second)) {
            throw misfit(operation, in, second);
        } else if (operation instanceof Operation.Scale) {
            if (in.length != 3 || !Arrays.equals(new long[] {in[0], 1, 1}, second)) {
                throw misfit(operation, in, second);
            }
        }
    }

    private static void require(boolean fits, Operation operation, long[] in) {
        if (!fits) {
            throw new UnsupportedOperationException(
                    "a net to be prepared must describe layers that fit each other, but "
                            + operation.getClass().getSimpleName() + " was given " + Arrays.toString(in)
                            + "; describe what forward does");
        }
    }

    private static UnsupportedOperationException misfit(Operation operation, long[] one, long @Nullable [] other) {
        return new UnsupportedOperationException("a net to be prepared must describe layers that fit each other, but "
                + operation.getClass().getSimpleName() + " was given " + Arrays.toString(one) + " and "
                + Arrays.toString(other) + "; describe what forward does");
    }

    private static long side(long side, long kernel, int stride, int padding) {
        return Math.floorDiv(side + 2L * padding - kernel, (long) stride) + 1;
    }

    /** How many numbers a value of a shape has. */
    static long size(long[] shape) {
        return Arrays.stream(shape).reduce(1, (a, b) -> a * b);
    }

    /** Of the largest value. */
    static long largest(long[][] shapes) {
        return Arrays.stream(shapes)
                .filter(shape -> shape != null)
                .mapToLong(Shapes::size)
                .max()
                .orElse(1);
    }

    /** A shape with the batch before it. */
    static long[] batched(long count, long[] shape) {
        long[] batched = new long[shape.length + 1];
        batched[0] = count;
        System.arraycopy(shape, 0, batched, 1, shape.length);
        return batched;
    }
}
