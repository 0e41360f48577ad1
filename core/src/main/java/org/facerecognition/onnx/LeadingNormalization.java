package org.facerecognition.onnx;

import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.facerecognition.data.Normalization;
import org.facerecognition.graph.Constant;
import org.facerecognition.graph.Graph;
import org.facerecognition.graph.Node;
import org.facerecognition.graph.Operation;
import org.facerecognition.graph.Operation.BatchNorm;
import org.facerecognition.graph.Operation.Convolution;
import org.facerecognition.graph.Operation.L2Normalize;
import org.facerecognition.graph.Value;
import org.facerecognition.onnx.InputContract.ColorOrder;

/**
 * Takes out of a graph what this library does outside of the network: the normalization of pixels at its beginning, the
 * order of colors, and the L2 normalization of embeddings at its end.
 */
final class LeadingNormalization {
    /** Operators that compute each value of an image by itself, or only move it. */
    private static final Set<String> OF_SINGLE_VALUES =
            Set.of("Sub", "Add", "Mul", "Div", "BatchNormalization", "Cast", "Identity", "Transpose");

    private static final int MAX_NODES = 16;

    private LeadingNormalization() {}

    /**
     * A graph that takes RGB images.
     *
     * @param graph owned by whoever has this
     * @param normalization of pixels 0..255 before it
     */
    record Result(Graph graph, Normalization normalization) {}

    /**
     * Returns the normalization with which a model begins, whatever of the nodes after it is covered; empty if it
     * begins with a layer.
     *
     * @param shape of its input, without open sizes except the first
     */
    static Optional<Normalization> of(ModelProto model, long[] shape, boolean channelsLast) {
        String input = model.inputs().get(0).name();
        String last = input;
        for (int i = 0; i < MAX_NODES; i++) {
            List<NodeProto> users = users(model, last).limit(2).toList();
            if (users.size() != 1
                    || !OF_SINGLE_VALUES.contains(users.get(0).type())
                    || users.get(0).outputs().isEmpty()) {
                break;
            }
            last = users.get(0).outputs().get(0);
        }
        if (last.equals(input)) {
            return Optional.empty();
        }
        String beginning = last;
        try (Graph graph = Graph.of((builder, images) -> {
            Converter converter = new Converter(model, builder, new IdentityHashMap<>());
            converter.convert(images, shape, channelsLast, List.of(beginning));
            return converter.result(beginning).value();
        })) {
            return of(graph);
        } catch (Uncovered e) {
            return Optional.empty();
        }
    }

    /** Returns the nodes that compute with a value. */
    static Stream<NodeProto> users(ModelProto model, String value) {
        return model.nodes().stream()
                .filter(node -> node.inputs().contains(value) && !node.type().equals("Shape"));
    }

    private static Optional<Normalization> of(Graph graph) {
        Normalization own = InputContract.PIXELS;
        boolean found = false;
        for (int i = 1; i < graph.nodes().size() && isNormalization(graph, i); i++) {
            Optional<Normalization> both =
                    then(own, (BatchNorm) graph.nodes().get(i).operation());
            if (both.isEmpty()) {
                break;
            }
            own = both.get();
            found = true;
        }
        return found ? Optional.of(own) : Optional.empty();
    }

    /**
     * Takes out the normalizations.
     *
     * @param graph borrowed; it must stay open as long as the result
     * @param contract what the graph takes
     * @throws Uncovered when the graph takes blue first and does not begin with convolutions
     */
    static Result taken(Graph graph, InputContract contract) {
        boolean swap = contract.order() == ColorOrder.BGR;
        Normalization normalization = contract.normalization();
        int first = 1;
        while (first < graph.nodes().size() && isNormalization(graph, first)) {
            BatchNorm norm = (BatchNorm) graph.nodes().get(first).operation();
            Optional<Normalization> both = then(normalization, swap ? swapped(norm) : norm);
            if (both.isEmpty()) {
                break;
            }
            normalization = both.get();
            first++;
        }
        int images = first - 1; // the node whose value the images take the place of
        int end = embeddings(graph);
        Graph rewritten = Graph.of((builder, pixels) -> {
            List<Node> nodes = graph.nodes();
            Value[] renamed = new Value[nodes.size()];
            renamed[images] = pixels;
            for (int i = images + 1; i <= end; i++) {
                Node node = nodes.get(i);
                Operation operation = node.operation();
                if (swap && node.inputs().contains(new Value(images))) {
                    operation = swapped(operation);
                }
                Value[] inputs = node.inputs().stream()
                        .map(value -> renamed[value.node()])
                        .toArray(Value[]::new);
                renamed[i] = builder.add(operation, inputs);
            }
            return renamed[end];
        });
        return new Result(rewritten, normalization);
    }

    /**
     * Returns the node of the embeddings before their L2 normalization, behind which there may be a scaling by one
     * factor, which another normalization undoes; the last node if they are not normalized.
     */
    private static int embeddings(Graph graph) {
        List<Node> nodes = graph.nodes();
        int last = nodes.size() - 1;
        int at = last;
        while (at > 0 && nodes.get(at).operation() instanceof BatchNorm scaling && isPositiveFactor(scaling)) {
            at = nodes.get(at).input().node();
        }
        return nodes.get(at).operation() instanceof L2Normalize
                ? nodes.get(at).input().node()
                : last;
    }

    private static boolean isPositiveFactor(BatchNorm scaling) {
        float[] factors = scaling.weight().values();
        float[] variances = scaling.variance().values();
        float[] means = scaling.mean().values();
        float[] shifts = scaling.bias().values();
        for (int c = 0; c < factors.length; c++) {
            boolean same = factors[c] == factors[0] && variances[c] == variances[0] && means[c] == 0 && shifts[c] == 0;
            if (!same || !(factors[c] > 0)) {
                return false;
            }
        }
        return true;
    }

    private static boolean isNormalization(Graph graph, int node) {
        return graph.nodes().get(node).operation() instanceof BatchNorm
                && graph.nodes().get(node).input().node() == node - 1
                && graph.uses()[node - 1] == 1;
    }

    /** Returns a normalization followed by a scaling; empty if a factor is not positive. */
    private static Optional<Normalization> then(Normalization before, BatchNorm next) {
        float[] means = next.mean().values();
        float[] variances = next.variance().values();
        float[] scales = next.weight().values();
        float[] shifts = next.bias().values();
        List<Double> mean = new ArrayList<>();
        List<Double> std = new ArrayList<>();
        for (int c = 0; c < 3; c++) {
            double scale = scales[c] / Math.sqrt((double) variances[c] + next.epsilon());
            double shift = shifts[c] - scale * means[c];
            double stdBefore = before.std().get(c);
            // ((x - m) / s) * scale + shift = (x - (m - s * shift / scale)) / (s / scale)
            if (!(scale > 0) || !Double.isFinite(scale) || !Double.isFinite(shift)) {
                return Optional.empty();
            }
            mean.add(plain(before.mean().get(c) - stdBefore * shift / scale));
            std.add(plain(stdBefore / scale));
        }
        return Optional.of(new Normalization(mean, std));
    }

    /** Returns the number without the rounding of float32: 127.5 and not 127.49999821186066. */
    private static double plain(double number) {
        double rounded = Math.rint(number * 1e4) / 1e4;
        return Math.abs(rounded - number) <= 1e-6 * Math.abs(number) ? rounded : number;
    }

    /** Returns a graph's first operation for images with their colors in the other order. */
    private static Operation swapped(Operation operation) {
        if (operation instanceof Convolution c && c.groups() == 1 && c.weight().size(1) == 3) {
            Constant weight = c.weight();
            long[] shape = weight.shape();
            int area = Math.toIntExact(shape[2] * shape[3]);
            Constant exchanged = Constant.of(shape, target -> {
                float[] values = weight.values();
                for (int row = 0; row < shape[0] * 3; row++) {
                    int from = row / 3 * 3 + 2 - row % 3;
                    target.put(values, from * area, area);
                }
            });
            return new Convolution(exchanged, c.bias(), c.window(), c.groups());
        }
        throw new Uncovered("a model that takes blue first must begin with a convolution of all colors, but began with "
                + operation.getClass().getSimpleName());
    }

    private static BatchNorm swapped(BatchNorm n) {
        return new BatchNorm(
                swapped(n.mean()), swapped(n.variance()), swapped(n.weight()), swapped(n.bias()), n.epsilon());
    }

    private static Constant swapped(Constant three) {
        float[] values = three.values();
        return Constant.of(new float[] {values[2], values[1], values[0]}, 3);
    }
}
