package org.facerecognition.export;

import com.google.protobuf.CodedOutputStream;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.facerecognition.graph.BatchNormFolding;
import org.facerecognition.graph.Graph;
import org.facerecognition.graph.Node;
import org.facerecognition.graph.Operation;
import org.facerecognition.graph.Operation.Activation;
import org.facerecognition.graph.Operation.BatchNorm;
import org.facerecognition.graph.Operation.Convolution;
import org.facerecognition.graph.Operation.Linear;
import org.facerecognition.graph.Operation.MaxPool;
import org.facerecognition.graph.Operation.Normalize;
import org.facerecognition.graph.Operation.PRelu;
import org.facerecognition.io.AtomicFile;
import org.facerecognition.natives.Libtorch;
import org.jspecify.annotations.Nullable;

/**
 * Writes a graph as an ONNX model, operator set 17: one input of any batch size and one size of images, which
 * runtimes check, one output, and free text. Batch normalizations are folded away where that is exact.
 *
 * <p>The messages' and fields' numbers are those of onnx.proto, version 1.12.
 */
public final class OnnxFile {
    private static final int IR_VERSION = 8;
    private static final int OPERATOR_SET = 17;
    private static final int FLOAT = 1;
    private static final int UINT8 = 2;

    private final Message graph = new Message();
    private final List<Message> initializers = new ArrayList<>();
    private final List<Message> nodes = new ArrayList<>();
    private String prefix = ""; // of the names of the node's weights
    private boolean inRows; // whether the node's values are [B, D]

    private OnnxFile() {}

    /**
     * Writes a file; a former one is replaced atomically.
     *
     * @param net what to write; with its pixels normalized in the model, the input is uint8 and called {@code pixels},
     *     else float32 and called {@code images}; the output is called {@code embeddings}
     * @param sizePx side of the square input
     * @param embeddingSize length of an embedding
     * @param metadata free text by name
     * @throws ExportException when it cannot be written
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
        List<Node> all = net.nodes();
        String[] names = new String[all.size()];
        names[0] = input;
        boolean[] rows = new boolean[all.size()];
        for (int i = 1; i < all.size(); i++) {
            names[i] = i == all.size() - 1 ? "embeddings" : "value" + i;
            prefix = "node" + i + ".";
            Node node = all.get(i);
            rows[i] = node.operation() instanceof Operation.Flatten
                    || node.operation() instanceof Linear
                    || rows[node.inputs().get(0).node()];
            inRows = rows[i];
            String[] inputs =
                    node.inputs().stream().map(value -> names[value.node()]).toArray(String[]::new);
            add(node.operation(), names[i], inputs);
        }
        nodes.forEach(node -> graph.message(1, node));
        graph.text(2, "face-recognition");
        initializers.forEach(tensor -> graph.message(5, tensor));
        graph.message(11, value(input, takesPixels ? UINT8 : FLOAT, 3, sizePx, sizePx));
        graph.message(12, value("embeddings", FLOAT, embeddingSize));
        Message model = new Message()
                .number(1, IR_VERSION)
                .text(2, "face-recognition")
                .message(7, graph)
                .message(8, new Message().text(1, "").number(2, OPERATOR_SET));
        metadata.forEach(
                (key, text) -> model.message(14, new Message().text(1, key).text(2, text)));
        return model;
    }

    /** The first size is any: it is called {@code batch}. */
    private static Message value(String name, int type, long... sizes) {
        Message shape = new Message().message(1, new Message().text(2, "batch"));
        for (long size : sizes) {
            shape.message(1, new Message().number(1, size));
        }
        Message tensorType = new Message().number(1, type).message(2, shape);
        return new Message().text(1, name).message(2, new Message().message(1, tensorType));
    }

    private void add(Operation operation, String output, String... x) {
        if (operation instanceof Convolution c) {
            convolution(c, output, x[0]);
        } else if (operation instanceof Linear l) {
            node("Gemm", output, with(x[0], weight("weight", l.weight()), optional("bias", l.bias())))
                    .message(5, number("transB", 1));
        } else if (operation instanceof BatchNorm n) {
            String[] inputs = {
                x[0],
                weight("weight", n.weight()),
                weight("bias", n.bias()),
                weight("mean", n.mean()),
                weight("variance", n.variance())
            };
            node("BatchNormalization", output, inputs).message(5, real("epsilon", (float) n.epsilon()));
        } else if (operation instanceof PRelu p) {
            Tensor slopes = inRows ? p.slopes() : p.slopes().reshape(-1, 1, 1); // of a channel, at each place
            node("PRelu", output, x[0], weight("slopes", slopes));
        } else if (operation instanceof MaxPool p) {
            node("MaxPool", output, x[0])
                    .message(5, numbers("kernel_shape", p.kernel(), p.kernel()))
                    .message(5, numbers("strides", p.stride(), p.stride()))
                    .message(5, numbers("pads", p.padding(), p.padding(), p.padding(), p.padding()));
        } else if (operation instanceof Normalize n) {
            node("Cast", output + ".float", x[0]).message(5, number("to", FLOAT));
            node("Sub", output + ".centerd", output + ".float", weight("mean", perChannel(n.mean())));
            node("Div", output, output + ".centerd", weight("deviation", perChannel(n.std())));
        } else if (operation instanceof Operation.L2Normalize) {
            node("ReduceL2", output + ".length", x[0])
                    .message(5, numbers("axes", 1))
                    .message(5, number("keepdims", 1));
            node("Max", output + ".divisor", output + ".length", constant("least", 1e-12));
            node("Div", output, x[0], output + ".divisor");
        } else if (operation instanceof Activation a) {
            activation(a, output, x[0]);
        } else {
            node(simple(operation), output, x);
        }
    }

    /** Without attributes, its name. */
    private static String simple(Operation operation) {
        if (operation instanceof Operation.Add) {
            return "Add";
        } else if (operation instanceof Operation.Scale) {
            return "Mul";
        } else if (operation instanceof Operation.GlobalAveragePool) {
            return "GlobalAveragePool";
        } else if (operation instanceof Operation.Flatten) {
            return "Flatten"; // from the second axis on, unless told otherwise
        }
        throw new IllegalArgumentException("cannot write " + operation);
    }

    private void convolution(Convolution c, String output, String x) {
        long[] weight = c.weight().shape(); // [out, in / groups, height, width]
        node("Conv", output, with(x, weight("weight", c.weight()), optional("bias", c.bias())))
                .message(5, numbers("kernel_shape", weight[2], weight[3]))
                .message(5, numbers("strides", c.stride(), c.stride()))
                .message(5, numbers("pads", c.padding(), c.padding(), c.padding(), c.padding()))
                .message(5, number("group", c.groups()));
    }

    private void activation(Activation activation, String output, String x) {
        switch (activation) {
            case RELU -> node("Relu", output, x);
            case RELU6 -> node("Clip", output, x, constant("least", 0), constant("most", 6));
            case SIGMOID -> node("Sigmoid", output, x);
            case SILU -> {
                node("Sigmoid", output + ".sigmoid", x);
                node("Mul", output, x, output + ".sigmoid");
            }
        }
    }

    private Message node(String type, String output, String... inputs) {
        Message node = new Message();
        for (String input : inputs) {
            node.text(1, input);
        }
        node.text(2, output).text(3, output).text(4, type);
        nodes.add(node);
        return node;
    }

    private static String[] with(String x, String weight, @Nullable String bias) {
        return bias == null ? new String[] {x, weight} : new String[] {x, weight, bias};
    }

    private @Nullable String optional(String name, @Nullable Tensor tensor) {
        return tensor == null ? null : weight(name, tensor);
    }

    /** Takes a tensor along and gives its name. */
    private String weight(String name, Tensor tensor) {
        Tensor onHost = tensor.to(new Device("cpu"), ScalarType.Float).contiguous();
        initializers.add(new Message()
                .numbers(1, onHost.shape())
                .number(2, FLOAT)
                .text(8, prefix + name)
                .tensor(9, onHost));
        return prefix + name;
    }

    /** A number, which has no shape. */
    private String constant(String name, double value) {
        return weight(name, Tensor.create(new double[] {value}).squeeze());
    }

    private static Tensor perChannel(List<Double> values) {
        return Tensor.create(values.stream().mapToDouble(v -> v).toArray(), 1, values.size(), 1, 1);
    }

    private static Message number(String name, long value) {
        return new Message().text(1, name).number(3, value).number(20, 2);
    }

    private static Message numbers(String name, long... values) {
        return new Message().text(1, name).numbers(8, values).number(20, 7);
    }

    private static Message real(String name, float value) {
        return new Message().text(1, name).real(2, value).number(20, 1);
    }
}
