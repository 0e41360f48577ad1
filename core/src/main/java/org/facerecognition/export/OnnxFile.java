package org.facerecognition.export;

import com.google.protobuf.CodedOutputStream;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.facerecognition.graph.BatchNormFolding;
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
import org.facerecognition.io.AtomicFile;
import org.facerecognition.natives.Libtorch;
import org.jspecify.annotations.Nullable;

/**
 * Writes a graph as an ONNX model, operator set 17. The model has one input with any batch size and a fixed image size,
 * which runtimes check, one output, and metadata. Batch normalization is folded into the adjacent weights where that is
 * exact.
 *
 * <p>Field numbers are those of onnx.proto, version 1.12; the comments name the fields.
 */
public final class OnnxFile {
    private static final int IR_VERSION = 8;
    private static final int OPERATOR_SET = 17;
    private static final int FLOAT = 1; // TensorProto.DataType
    private static final int UINT8 = 2;
    private static final int INT64 = 7;
    private static final int ATTRIBUTE_FLOAT = 1; // AttributeProto.AttributeType
    private static final int ATTRIBUTE_INT = 2;
    private static final int ATTRIBUTE_STRING = 3;
    private static final int ATTRIBUTE_INTS = 7;

    private final List<Message> initializers = new ArrayList<>(); // the weights
    private final List<Message> nodes = new ArrayList<>();

    private OnnxFile() {}

    /**
     * Writes a file; an existing one is replaced atomically.
     *
     * @param net the graph to write, borrowed. If it normalizes pixels, the input is uint8 and named {@code pixels};
     *     else it is float32 and named {@code images}. The output is named {@code embeddings}.
     * @param sizePx the side of the square input in pixels
     * @param embeddingSize the length of an embedding
     * @param metadata free text by key
     * @throws ExportException when the file cannot be written
     */
    public static void write(Path file, Graph net, int sizePx, int embeddingSize, Map<String, String> metadata) {
        Libtorch.load();
        try (PointerScope scope = new PointerScope();
                NoGradGuard noGrad = new NoGradGuard();
                Graph folded = BatchNormFolding.fold(net)) {
            Message model = new OnnxFile().model(folded, sizePx, embeddingSize, metadata);
            AtomicFile.writeStream(file, stream -> {
                CodedOutputStream out = CodedOutputStream.newInstance(stream, 1 << 16);
                model.writeTo(out);
                out.flush();
            });
        } catch (IOException e) {
            throw new ExportException(AtomicFile.cannotWrite(file, e), e);
        }
    }

    private Message model(Graph net, int sizePx, int embeddingSize, Map<String, String> metadata) {
        boolean takesPixels = net.nodes().stream().anyMatch(node -> node.operation() instanceof Normalize);
        String input = takesPixels ? "pixels" : "images";
        addNodes(net.nodes(), input);
        Message graph = new Message();
        nodes.forEach(node -> graph.message(1, node)); // node
        graph.text(2, "face-recognition"); // name
        initializers.forEach(tensor -> graph.message(5, tensor)); // initializer
        graph.message(11, valueInfo(input, takesPixels ? UINT8 : FLOAT, 3, sizePx, sizePx)); // input
        graph.message(12, valueInfo("embeddings", FLOAT, embeddingSize)); // output
        Message operatorSet = new Message().text(1, "").number(2, OPERATOR_SET); // domain, version
        Message model = new Message()
                .number(1, IR_VERSION) // ir_version
                .text(2, "face-recognition") // producer_name
                .message(7, graph) // graph
                .message(8, operatorSet); // opset_import
        metadata.forEach((key, text) ->
                model.message(14, new Message().text(1, key).text(2, text))); // metadata_props: key, value
        return model;
    }

    private void addNodes(List<Node> all, String input) {
        String[] names = new String[all.size()];
        boolean[] rows = new boolean[all.size()]; // whether a value is [B, D]
        names[0] = input;
        for (int i = 1; i < all.size(); i++) {
            Node node = all.get(i);
            Operation operation = node.operation();
            names[i] = i == all.size() - 1 ? "embeddings" : "value" + i;
            boolean makesRows = operation instanceof Flatten || operation instanceof Linear;
            rows[i] = makesRows || rows[node.input().node()] && !(operation instanceof Unflatten);
            String[] inputs =
                    node.inputs().stream().map(value -> names[value.node()]).toArray(String[]::new);
            operation.accept(new NodeWriter("node" + i + ".", inputs, names[i], rows[i]));
        }
    }

    /** Describes an input or output, whose first dimension may have any size and is named {@code batch}. */
    private static Message valueInfo(String name, int type, long... sizes) {
        Message shape = new Message().message(1, new Message().text(2, "batch")); // dim: dim_param
        for (long size : sizes) {
            shape.message(1, new Message().number(1, size)); // dim: dim_value
        }
        Message tensorType = new Message().number(1, type).message(2, shape); // elem_type, shape
        return new Message().text(1, name).message(2, new Message().message(1, tensorType)); // name, type: tensor_type
    }

    /** Adds the ONNX nodes and the weights of one operation, and returns the node that produces its value. */
    private final class NodeWriter implements Operation.Visitor<Message> {
        private final String prefix; // of the names of the operation's weights
        private final String[] x; // names of the inputs
        private final String output;
        private final boolean rows; // whether the value is [B, D]

        NodeWriter(String prefix, String[] x, String output, boolean rows) {
            this.prefix = prefix;
            this.x = x;
            this.output = output;
            this.rows = rows;
        }

        @Override
        public Message normalize(Normalize n) {
            String floats = output + ".float";
            String centered = output + ".centered";
            node("Cast", floats, x[0]).message(5, attribute("to", FLOAT));
            node("Sub", centered, floats, weight("mean", n.meanPerChannel()));
            return node("Div", output, centered, weight("deviation", n.stdPerChannel()));
        }

        @Override
        public Message l2Normalize(L2Normalize l2Normalize) {
            String norm = output + ".length";
            String divisor = output + ".divisor";
            node("ReduceL2", norm, x[0])
                    .message(5, attribute("axes", new long[] {1}))
                    .message(5, attribute("keepdims", 1));
            node("Max", divisor, norm, scalar("least", L2Normalize.MIN_NORM));
            return node("Div", output, x[0], divisor);
        }

        @Override
        public Message convolution(Convolution c) {
            long[] weight = c.weight().shape(); // [out, in / groups, height, width]
            Message node = node("Conv", output, weighted(c.weight(), c.bias()));
            return windowed(node, weight[2], weight[3], c.window()).message(5, attribute("group", c.groups()));
        }

        @Override
        public Message linear(Linear l) {
            return node("Gemm", output, weighted(l.weight(), l.bias())).message(5, attribute("transB", 1));
        }

        @Override
        public Message batchNorm(BatchNorm n) {
            String[] inputs = {
                x[0],
                weight("weight", n.weight()),
                weight("bias", n.bias()),
                weight("mean", n.mean()),
                weight("variance", n.variance())
            };
            return node("BatchNormalization", output, inputs).message(5, attribute("epsilon", (float) n.epsilon()));
        }

        @Override
        public Message activation(Activation activation) {
            return switch (activation) {
                case RELU -> node("Relu", output, x[0]);
                case RELU6 -> node("Clip", output, x[0], scalar("least", 0), scalar("most", 6));
                case SIGMOID -> node("Sigmoid", output, x[0]);
                case HARD_SWISH -> node("HardSwish", output, x[0]);
                case TANH -> node("Tanh", output, x[0]);
                case MISH -> {
                    String softplus = output + ".softplus";
                    String tanh = output + ".tanh";
                    node("Softplus", softplus, x[0]);
                    node("Tanh", tanh, softplus);
                    yield node("Mul", output, x[0], tanh);
                }
                case GELU -> {
                    String scaled = output + ".scaled";
                    String erf = output + ".erf";
                    String sum = output + ".sum";
                    String product = output + ".product";
                    node("Div", scaled, x[0], scalar("root", Math.sqrt(2)));
                    node("Erf", erf, scaled);
                    node("Add", sum, erf, scalar("one", 1));
                    node("Mul", product, x[0], sum);
                    yield node("Mul", output, product, scalar("half", 0.5));
                }
                case SILU -> {
                    String sigmoid = output + ".sigmoid";
                    node("Sigmoid", sigmoid, x[0]);
                    yield node("Mul", output, x[0], sigmoid);
                }
            };
        }

        @Override
        public Message prelu(PRelu p) {
            Constant slopes = rows
                    ? p.slopes()
                    : p.slopes().reshape(p.slopes().count(), 1, 1); // broadcasts over the last dimensions
            return node("PRelu", output, x[0], weight("slopes", slopes));
        }

        @Override
        public Message add(Add add) {
            return node("Add", output, x);
        }

        @Override
        public Message scale(Scale scale) {
            return node("Mul", output, x);
        }

        @Override
        public Message maxPool(MaxPool p) {
            return windowed(node("MaxPool", output, x[0]), p.height(), p.width(), p.window());
        }

        @Override
        public Message averagePool(AveragePool p) {
            return windowed(node("AveragePool", output, x[0]), p.height(), p.width(), p.window())
                    .message(5, attribute("count_include_pad", p.countsPadding() ? 1 : 0));
        }

        private Message windowed(Message node, long height, long width, Window w) {
            node.message(5, attribute("kernel_shape", new long[] {height, width}))
                    .message(5, attribute("strides", w.strides()))
                    .message(5, attribute("pads", new long[] {w.top(), w.left(), w.bottom(), w.right()}));
            boolean dilated = w.dilationY() != 1 || w.dilationX() != 1; // operator set 17 has no dilated averages
            return dilated ? node.message(5, attribute("dilations", w.dilations())) : node;
        }

        @Override
        public Message clip(Clip clip) {
            return node("Clip", output, x[0], scalar("least", clip.min()), scalar("most", clip.max()));
        }

        @Override
        public Message hardSigmoid(HardSigmoid h) {
            return node("HardSigmoid", output, x[0])
                    .message(5, attribute("alpha", (float) h.alpha()))
                    .message(5, attribute("beta", (float) h.beta()));
        }

        @Override
        public Message concat(Concat concat) {
            return node("Concat", output, x).message(5, attribute("axis", 1));
        }

        @Override
        public Message sliceChannels(SliceChannels s) {
            return node("Slice", output, x[0], numbers("from", s.from()), numbers("to", s.to()), numbers("axes", 1));
        }

        @Override
        public Message shuffleChannels(ShuffleChannels s) {
            long[] order = new long[s.channels()];
            int perGroup = s.channels() / s.groups();
            for (int i = 0; i < order.length; i++) {
                order[i] = (long) i % s.groups() * perGroup + i / s.groups();
            }
            return node("Gather", output, x[0], numbers("order", order)).message(5, attribute("axis", 1));
        }

        @Override
        public Message upsample(Upsample u) {
            String factors = weight("factors", Constant.of(new float[] {1, 1, u.factor(), u.factor()}, 4));
            return node("Resize", output, x[0], "", factors) // without the region, which only cropping uses
                    .message(5, attribute("coordinate_transformation_mode", "asymmetric"))
                    .message(5, attribute("nearest_mode", "floor"));
        }

        @Override
        public Message unflatten(Unflatten unflatten) {
            return node("Unsqueeze", output, x[0], numbers("axes", 2, 3));
        }

        @Override
        public Message globalAveragePool(GlobalAveragePool pool) {
            return node("GlobalAveragePool", output, x);
        }

        @Override
        public Message flatten(Flatten flatten) {
            return node("Flatten", output, x); // keeps the first dimension by default
        }

        private String[] weighted(Constant weight, @Nullable Constant bias) {
            String name = weight("weight", weight);
            return bias == null ? new String[] {x[0], name} : new String[] {x[0], name, weight("bias", bias)};
        }

        /** Adds a constant to the initializers and returns its name. */
        private String weight(String name, Constant values) {
            initializers.add(new Message()
                    .numbers(1, values.shape()) // dims
                    .number(2, FLOAT) // data_type
                    .text(8, prefix + name) // name
                    .constant(9, values)); // raw_data
            return prefix + name;
        }

        /** Adds integers to the initializers and returns their name. */
        private String numbers(String name, long... values) {
            initializers.add(new Message()
                    .number(1, values.length) // dims
                    .number(2, INT64) // data_type
                    .numbers(7, values) // int64_data
                    .text(8, prefix + name)); // name
            return prefix + name;
        }

        /** Adds a number to the initializers and returns its name. */
        private String scalar(String name, double value) {
            return weight(name, Constant.of(new float[] {(float) value}));
        }
    }

    /** Adds a node and returns it, so that attributes (field 5) can be added to it. */
    private Message node(String type, String output, String... inputs) {
        Message node = new Message();
        for (String input : inputs) {
            node.text(1, input); // input
        }
        node.text(2, output).text(3, output).text(4, type); // output, name, op_type
        nodes.add(node);
        return node;
    }

    private static Message attribute(String name, long value) {
        return new Message().text(1, name).number(3, value).number(20, ATTRIBUTE_INT); // name, i, type
    }

    private static Message attribute(String name, long[] values) {
        return new Message().text(1, name).numbers(8, values).number(20, ATTRIBUTE_INTS); // name, ints, type
    }

    private static Message attribute(String name, String value) {
        return new Message().text(1, name).text(4, value).number(20, ATTRIBUTE_STRING); // name, s, type
    }

    private static Message attribute(String name, float value) {
        return new Message().text(1, name).real(2, value).number(20, ATTRIBUTE_FLOAT); // name, f, type
    }
}
