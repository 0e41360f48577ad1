package org.facerecognition.export;

import com.fasterxml.jackson.core.JsonProcessingException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.facerecognition.data.Normalization;
import org.facerecognition.graph.BatchNormFolding;
import org.facerecognition.graph.Constant;
import org.facerecognition.graph.Graph;
import org.facerecognition.graph.Node;
import org.facerecognition.graph.Operation;
import org.facerecognition.graph.Operation.BatchNorm;
import org.facerecognition.graph.Operation.Convolution;
import org.facerecognition.graph.Operation.Linear;
import org.facerecognition.graph.Operation.PRelu;
import org.facerecognition.graph.Value;
import org.facerecognition.io.JsonFields;
import org.facerecognition.io.JsonTree;
import org.facerecognition.natives.TensorRows;
import org.facerecognition.weights.Weights;
import org.facerecognition.weights.WeightsException;
import org.jspecify.annotations.Nullable;

/**
 * Reads the weights of a file that {@link TorchScriptFile} wrote, in which layers have numbers: those of the graph that
 * was written, which follow from the network. The file's program is not read.
 */
public final class TorchScriptWeights {
    private static final String PIXEL_MEAN = "node1_mean";
    private static final String PIXEL_DEVIATION = "node1_deviation"; // only the normalization of pixels has one

    private final Weights file;
    private final boolean takesPixels;
    private final Set<String> unused;

    private TorchScriptWeights(Weights file) {
        this.file = file;
        this.unused = new LinkedHashSet<>(file.names());
        this.takesPixels = unused.remove(PIXEL_DEVIATION) && unused.remove(PIXEL_MEAN);
    }

    /**
     * Returns the graph that was written, without the normalizations of pixels and of embeddings.
     *
     * @param file an export; its values are read now
     * @param net the graph of the network that was exported, or of one of the same structure; borrowed
     * @param expected how that network's pixels are normalized
     * @return owned
     * @throws WeightsException when layers differ, naming the first one, or the normalization of pixels; or when the
     *     file cannot be read
     */
    public static Graph graph(Weights file, Graph net, Normalization expected) {
        TorchScriptWeights export = new TorchScriptWeights(file);
        export.normalization().flatMap(found -> found.mismatch(expected)).ifPresent(reason -> {
            throw new WeightsException(file.file() + " " + reason);
        });
        return export.read(net);
    }

    /** Returns the normalization by the file or before it; empty where another program has rewritten the file. */
    private Optional<Normalization> normalization() {
        String described = file.metadata().get("normalization");
        try {
            if (takesPixels) {
                return Optional.of(new Normalization(numbers(PIXEL_MEAN), numbers(PIXEL_DEVIATION)));
            }
            return described == null
                    ? Optional.empty()
                    : Optional.of(Normalization.of(JsonFields.of(JsonTree.read(described))));
        } catch (JsonProcessingException | IllegalArgumentException e) {
            throw new WeightsException(
                    file.file() + " is damaged: its normalization of pixels cannot be understood: "
                            + String.valueOf(e.getMessage()).lines().findFirst().orElse(""),
                    e);
        }
    }

    private List<Double> numbers(String name) {
        try (PointerScope scope = new PointerScope()) {
            Tensor values = file.read(name).reshape(1, -1);
            List<Double> numbers = new ArrayList<>();
            for (float value : TensorRows.of(values)[0]) {
                numbers.add((double) value);
            }
            return numbers;
        }
    }

    private Graph read(Graph net) {
        try (Graph written = BatchNormFolding.fold(net)) {
            return Graph.of((builder, images) -> {
                List<Node> nodes = written.nodes();
                Value[] values = new Value[nodes.size()];
                values[0] = images;
                for (int i = 1; i < nodes.size(); i++) {
                    Node node = nodes.get(i);
                    Value[] inputs = node.inputs().stream()
                            .map(value -> values[value.node()])
                            .toArray(Value[]::new);
                    values[i] = builder.add(withValues(takesPixels ? i + 1 : i, node.operation()), inputs);
                }
                if (!unused.isEmpty()) {
                    throw misfit("it has " + unused.iterator().next() + ", which the encoder has no layer for");
                }
                return values[nodes.size() - 1];
            });
        }
    }

    /** Returns an operation with the file's constants in place of its own. */
    private Operation withValues(int number, Operation operation) {
        if (operation instanceof Convolution c) {
            return new Convolution(
                    value(number, "weight", c.weight()), valueOrNull(number, "bias", c.bias()), c.window(), c.groups());
        }
        if (operation instanceof Linear l) {
            return new Linear(value(number, "weight", l.weight()), valueOrNull(number, "bias", l.bias()));
        }
        if (operation instanceof BatchNorm n) {
            return new BatchNorm(
                    value(number, "mean", n.mean()),
                    value(number, "variance", n.variance()),
                    value(number, "weight", n.weight()),
                    value(number, "bias", n.bias()),
                    n.epsilon());
        }
        return operation instanceof PRelu p ? new PRelu(value(number, "slopes", p.slopes())) : operation;
    }

    private @Nullable Constant valueOrNull(int number, String role, @Nullable Constant own) {
        return own == null ? null : value(number, role, own);
    }

    private Constant value(int number, String role, Constant own) {
        String name = "node" + number + "_" + role;
        String expected = "the encoder has a " + role + " of the shape " + Arrays.toString(own.shape());
        if (!unused.remove(name)) {
            throw misfit(expected + " where the file has none (" + name + ")");
        }
        long[] shape = file.shape(name);
        if (!Arrays.equals(shape, own.shape())) {
            throw misfit(expected + " where the file has " + Arrays.toString(shape) + " (" + name + ")");
        }
        return Constant.of(file.read(name));
    }

    private WeightsException misfit(String where) {
        String architecture = file.metadata().get("architecture");
        return new WeightsException(file.file() + " does not have the structure of the encoder"
                + (architecture == null ? "" : " (it was exported from " + architecture + ")") + ": " + where);
    }
}
