package org.facerecognition.inference;

import java.util.Arrays;
import java.util.List;
import org.facerecognition.graph.Operation;
import org.facerecognition.graph.Operation.Convolution;
import org.facerecognition.graph.Operation.Linear;
import org.facerecognition.graph.Operation.MaxPool;

/** Of the values in a net for one picture, without the batch: [C, H, W] or [D]. */
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
            shapes[node.output()] = of(node.operation(), shapes[node.inputs().get(0)]);
        }
        return shapes;
    }

    private static long[] of(Operation operation, long[] in) {
        if (operation instanceof Convolution c) {
            long[] weight = c.weight().shape();
            return new long[] {
                weight[0],
                side(in[1], weight[2], c.stride(), c.padding()),
                side(in[2], weight[3], c.stride(), c.padding())
            };
        } else if (operation instanceof MaxPool p) {
            return new long[] {
                in[0],
                side(in[1], p.kernel(), p.stride(), p.padding()),
                side(in[2], p.kernel(), p.stride(), p.padding())
            };
        } else if (operation instanceof Operation.GlobalAveragePool) {
            return new long[] {in[0], 1, 1};
        } else if (operation instanceof Operation.Flatten) {
            return new long[] {size(in)};
        } else if (operation instanceof Linear l) {
            return new long[] {l.weight().size(0)};
        }
        return in;
    }

    private static long side(long side, long kernel, int stride, int padding) {
        return (side + 2L * padding - kernel) / stride + 1;
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
