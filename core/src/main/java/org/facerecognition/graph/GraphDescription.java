package org.facerecognition.graph;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import org.bytedeco.pytorch.Tensor;
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
import org.facerecognition.io.JsonTree;
import org.jspecify.annotations.Nullable;

/**
 * A graph as text: its operations and the names of their constants. A model's file holds it beside the weights, so that
 * a network can be prepared from the file alone, without the classes that describe its architecture.
 *
 * <p>It is a JSON array with one object per node after the input: {@code op}, {@code in} (the numbers of the inputs,
 * the images being 0) and the operation's settings.
 */
public final class GraphDescription {
    private GraphDescription() {}

    // ---- writing ----

    /**
     * Describes a graph whose constants are the tensors of a network.
     *
     * @param graph borrowed
     * @param tensors of the network by name; borrowed
     * @return empty if the graph has constants that are not among the tensors as they are, or operations that only
     *     exports have
     */
    public static Optional<String> of(Graph graph, Map<String, Tensor> tensors) {
        Map<Long, Named> names = new HashMap<>(); // by address
        tensors.forEach((name, tensor) -> {
            if (tensor.numel() > 0) {
                TensorConstant values = new TensorConstant(tensor);
                names.put(values.address(), new Named(name, values));
            }
        });
        ArrayNode nodes = JsonNodeFactory.instance.arrayNode();
        try {
            for (Node node : graph.nodes().subList(1, graph.nodes().size())) {
                ObjectNode object = node.operation().accept(new Writer(names));
                ArrayNode inputs = object.putArray("in");
                node.inputs().forEach(value -> inputs.add(value.node()));
                nodes.add(object);
            }
        } catch (NoNameException e) {
            return Optional.empty();
        }
        return Optional.of(nodes.toString());
    }

    /** A constant that is no tensor of the network, or an operation that only other graphs have. */
    private static final class NoNameException extends RuntimeException {
        private static final long serialVersionUID = 1;
    }

    private record Named(String name, TensorConstant tensor) {}

    private record Writer(Map<Long, Named> names) implements Operation.Visitor<ObjectNode> {
        private static ObjectNode operation(String name) {
            return JsonNodeFactory.instance.objectNode().put("op", name);
        }

        private String name(Constant constant) {
            if (constant instanceof TensorConstant tensor) {
                Named named = names.get(tensor.address());
                if (named != null && tensor.hasLayoutOf(named.tensor())) { // else it is a part, or transposed
                    return named.name();
                }
            }
            throw new NoNameException();
        }

        private ObjectNode weighted(String name, Constant weight, @Nullable Constant bias) {
            ObjectNode object = operation(name).put("weight", name(weight));
            return bias == null ? object : object.put("bias", name(bias));
        }

        @Override
        public ObjectNode normalize(Normalize normalize) {
            throw new NoNameException();
        }

        @Override
        public ObjectNode l2Normalize(L2Normalize l2Normalize) {
            throw new NoNameException();
        }

        @Override
        public ObjectNode convolution(Convolution c) {
            return weighted("convolution", c.weight(), c.bias())
                    .put("stride", uniform(c.window()).strideY())
                    .put("padding", c.window().top())
                    .put("groups", c.groups());
        }

        @Override
        public ObjectNode batchNorm(BatchNorm n) {
            return operation("batchNorm")
                    .put("mean", name(n.mean()))
                    .put("variance", name(n.variance()))
                    .put("weight", name(n.weight()))
                    .put("bias", name(n.bias()))
                    .put("epsilon", n.epsilon());
        }

        @Override
        public ObjectNode add(Add add) {
            return operation("add");
        }

        @Override
        public ObjectNode scale(Scale scale) {
            return operation("scale");
        }

        @Override
        public ObjectNode maxPool(MaxPool p) {
            if (p.height() != p.width()) {
                throw new NoNameException();
            }
            return operation("maxPool")
                    .put("kernel", p.height())
                    .put("stride", uniform(p.window()).strideY())
                    .put("padding", p.window().top());
        }

        /** Windows that the networks of this library do not have are not described. */
        private static Window uniform(Window window) {
            if (!window.isUniform()) {
                throw new NoNameException();
            }
            return window;
        }

        @Override
        public ObjectNode concat(Concat concat) {
            throw new NoNameException();
        }

        @Override
        public ObjectNode sliceChannels(SliceChannels slice) {
            throw new NoNameException();
        }

        @Override
        public ObjectNode shuffleChannels(ShuffleChannels shuffle) {
            throw new NoNameException();
        }

        @Override
        public ObjectNode upsample(Upsample upsample) {
            throw new NoNameException();
        }

        @Override
        public ObjectNode averagePool(AveragePool pool) {
            throw new NoNameException();
        }

        @Override
        public ObjectNode unflatten(Unflatten unflatten) {
            throw new NoNameException();
        }

        @Override
        public ObjectNode clip(Clip clip) {
            throw new NoNameException();
        }

        @Override
        public ObjectNode hardSigmoid(HardSigmoid hardSigmoid) {
            throw new NoNameException();
        }

        @Override
        public ObjectNode globalAveragePool(GlobalAveragePool pool) {
            return operation("globalAveragePool");
        }

        @Override
        public ObjectNode flatten(Flatten flatten) {
            return operation("flatten");
        }

        @Override
        public ObjectNode linear(Linear l) {
            return weighted("linear", l.weight(), l.bias());
        }

        @Override
        public ObjectNode activation(Activation activation) {
            return operation(activation.name());
        }

        @Override
        public ObjectNode prelu(PRelu p) {
            return operation("prelu").put("slopes", name(p.slopes()));
        }
    }

    // ---- reading ----

    /**
     * Returns the graph that a text describes.
     *
     * @param text as {@link #of} returns it
     * @param constants returns the constant of a name; throws an IllegalArgumentException if there is none
     * @return owned
     * @throws IllegalArgumentException when the text is not such a description
     */
    public static Graph read(String text, Function<String, Constant> constants) {
        JsonNode nodes;
        try {
            nodes = JsonTree.read(text);
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException("a description of a graph must be JSON, but was not", e);
        }
        if (!nodes.isArray() || nodes.isEmpty()) {
            throw new IllegalArgumentException("a description of a graph must be an array of operations");
        }
        return Graph.of((builder, images) -> {
            List<Value> values = new ArrayList<>(List.of(images));
            for (JsonNode node : nodes) {
                Reader reader = new Reader(node, constants);
                Value[] inputs = new Value[node.path("in").size()];
                for (int i = 0; i < inputs.length; i++) {
                    int number = integer(node.path("in").path(i));
                    if (number < 0 || number >= values.size()) {
                        throw new IllegalArgumentException(
                                "an operation's inputs must be earlier values, but were " + node.path("in"));
                    }
                    inputs[i] = values.get(number);
                }
                values.add(builder.add(reader.operation(), inputs));
            }
            return values.get(values.size() - 1);
        });
    }

    /** Returns an integer; -1 for anything else, such as a text or a fraction. */
    private static int integer(JsonNode node) {
        return node.isIntegralNumber() && node.canConvertToInt() ? node.asInt() : -1;
    }

    private record Reader(JsonNode node, Function<String, Constant> constants) {
        Operation operation() {
            String op = node.path("op").asText();
            return switch (op) {
                case "convolution" ->
                    new Convolution(
                            constant("weight"),
                            optional("bias"),
                            positive("stride"),
                            number("padding"),
                            positive("groups"));
                case "batchNorm" ->
                    new BatchNorm(
                            constant("mean"), constant("variance"), constant("weight"), constant("bias"), epsilon());
                case "add" -> new Add();
                case "scale" -> new Scale();
                case "maxPool" -> new MaxPool(positive("kernel"), positive("stride"), number("padding"));
                case "globalAveragePool" -> new GlobalAveragePool();
                case "flatten" -> new Flatten();
                case "linear" -> new Linear(constant("weight"), optional("bias"));
                case "prelu" -> new PRelu(constant("slopes"));
                default -> Activation.valueOf(op); // throws an IllegalArgumentException
            };
        }

        private Constant constant(String key) {
            return constants.apply(node.path(key).asText());
        }

        private @Nullable Constant optional(String key) {
            return node.has(key) ? constant(key) : null;
        }

        private int number(String key) {
            int number = integer(node.path(key));
            if (number < 0) {
                throw new IllegalArgumentException(
                        key + " of an operation must be a whole number of at least 0, but was " + node.path(key));
            }
            return number;
        }

        private double epsilon() {
            JsonNode epsilon = node.path("epsilon");
            if (!epsilon.isNumber() || !(epsilon.asDouble() >= 0) || Double.isInfinite(epsilon.asDouble())) {
                throw new IllegalArgumentException(
                        "epsilon of an operation must be a finite number of at least 0, but was " + epsilon);
            }
            return epsilon.asDouble();
        }

        private int positive(String key) {
            int number = number(key);
            if (number == 0) {
                throw new IllegalArgumentException(key + " of an operation must be at least 1, but was 0");
            }
            return number;
        }
    }
}
