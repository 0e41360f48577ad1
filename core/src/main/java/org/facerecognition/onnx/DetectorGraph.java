package org.facerecognition.onnx;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import org.facerecognition.graph.Graph;
import org.facerecognition.graph.Node;
import org.facerecognition.graph.Operation;
import org.facerecognition.graph.Operation.Activation;
import org.facerecognition.graph.Operation.BatchNorm;
import org.facerecognition.graph.Operation.Concat;
import org.facerecognition.graph.Operation.Convolution;
import org.facerecognition.graph.Operation.PRelu;

/**
 * The graph of a network with several outputs that are made of feature maps, such as a detector's: it ends in the maps,
 * [C, H, W] each, one behind the other as one row.
 *
 * @param graph owned
 * @param lengths C * H * W of each map, for an image of {@link #AREA_PX} pixels; in proportion to the area
 */
record DetectorGraph(Graph graph, List<Long> lengths) implements AutoCloseable {
    /** Two sizes of images, which must give the same layers; multiples of the coarsest grid. */
    private static final long[][] SIZES = {{1, 3, 96, 64}, {1, 3, 64, 160}};

    static final long AREA_PX = SIZES[0][2] * SIZES[0][3];

    /**
     * Reads a network.
     *
     * @param file of the model
     * @param outputs of the model; each a map, or what Transpose, Reshape and Sigmoid make of one. The Sigmoid is part
     *     of the graph, the other two are not
     * @return owned; the weights are read from the file when they are needed
     * @throws Uncovered when a node or the operator set is not covered, or layers depend on the size of the images
     * @throws org.facerecognition.weights.WeightsException when the file cannot be read
     */
    static DetectorGraph read(Path file, List<String> outputs) {
        ModelProto model = ProtoReader.read(file);
        if (model.inputs().size() != 1) {
            throw new Uncovered(
                    "the graph must have one input, but has " + model.inputs().size());
        }
        DetectorGraph first = graph(model, outputs, SIZES[0]);
        Graph graph = first.graph;
        boolean done = false;
        try (DetectorGraph second = graph(model, outputs, SIZES[1])) {
            Graph other = second.graph;
            boolean same = graph.nodes().size() == other.nodes().size();
            for (int i = 0; same && i < graph.nodes().size(); i++) {
                Node a = graph.nodes().get(i);
                Node b = other.nodes().get(i);
                same = a.inputs().equals(b.inputs()) && isSame(a.operation(), b.operation());
            }
            if (!same) {
                throw new Uncovered("its layers depend on the size of the images");
            }
            done = true;
            return first;
        } finally {
            if (!done) {
                graph.close();
            }
        }
    }

    /** Returns whether two operations that come from the same node are the same. */
    private static boolean isSame(Operation a, Operation b) {
        if (a instanceof Convolution c && b instanceof Convolution d) {
            return c.window().equals(d.window()) && c.groups() == d.groups();
        }
        boolean constants = a instanceof BatchNorm || a instanceof PRelu;
        return constants ? a.getClass() == b.getClass() : a.equals(b);
    }

    private static DetectorGraph graph(ModelProto model, List<String> outputs, long[] shape) {
        Map<String, NodeProto> producers = model.producers();
        List<String> maps = new ArrayList<>();
        List<Boolean> sigmoids = new ArrayList<>();
        for (String output : outputs) {
            String map = output;
            boolean sigmoid = false;
            int steps = 0;
            for (NodeProto node; (node = producers.get(map)) != null && isOutside(node); map = node.input(0)) {
                if (++steps > model.nodes().size()) {
                    throw new Uncovered(node, "it depends on itself");
                }
                if (sigmoid && node.type().equals("Sigmoid")) {
                    throw new Uncovered(node, "it is the second one of an output");
                }
                sigmoid |= node.type().equals("Sigmoid");
            }
            maps.add(map);
            sigmoids.add(sigmoid);
        }
        List<Long> lengths = new ArrayList<>();
        model.requireKnownOperators();
        Graph graph = Graph.of((builder, images) -> {
            Converter converter = new Converter(model, builder, new IdentityHashMap<>());
            converter.convert(images, shape, false, maps);
            Computed[] rows = new Computed[maps.size()];
            long length = 0;
            for (int i = 0; i < rows.length; i++) {
                Computed map = converter.images(converter.result(maps.get(i)));
                rows[i] = converter.rows(sigmoids.get(i) ? converter.map(Activation.SIGMOID, map) : map);
                lengths.add(map.perImage());
                length += map.perImage();
            }
            return converter
                    .add(new Concat(rows.length), new long[] {Known.BATCH, length}, rows)
                    .value();
        });
        return new DetectorGraph(graph, List.copyOf(lengths));
    }

    private static boolean isOutside(NodeProto node) {
        return switch (node.type()) {
            case "Transpose", "Reshape", "Sigmoid" -> true;
            default -> false;
        };
    }

    @Override
    public void close() {
        graph.close();
    }
}
