package org.facerecognition.export;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.ExtraFilesMap;
import org.bytedeco.pytorch.JitModule;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.QualifiedName;
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
 * Writes a graph as a TorchScript file, which {@code torch.jit.load} of Python and C++ and DJL's PyTorch engine read:
 * one method, {@code forward}, that checks its input's shape and kind. Free text lies beside it in the file as {@link
 * #CONTRACT}. Batch normalizations are folded away where that is exact.
 *
 * <p>The program is text that libtorch compiles, of functions that PyTorch has had for long: 1.13 reads it.
 */
public final class TorchScriptFile {
    /** Name of the extra file with the metadata, a JSON object. */
    public static final String CONTRACT = "contract.json";

    private static final ObjectMapper JSON = new ObjectMapper();

    private final JitModule module = new JitModule(new QualifiedName("__torch__.FaceEmbedder"));
    private final StringBuilder program = new StringBuilder("def forward(self, x0: Tensor) -> Tensor:\n");
    private String prefix = ""; // of the names of the node's weights

    private TorchScriptFile() {}

    /**
     * Writes a file; a former one is replaced atomically.
     *
     * @param net what to write; with its pixels normalized in the model, {@code forward} takes integers 0..255, else
     *     floats
     * @param sizePx side of the square input
     * @param metadata free text by name
     * @throws ExportException when it cannot be written
     */
    public static void write(Path file, Graph net, int sizePx, Map<String, String> metadata) {
        Libtorch.load();
        try (PointerScope scope = new PointerScope();
                NoGradGuard noGrad = new NoGradGuard();
                Graph folded = BatchNormFolding.fold(net)) {
            TorchScriptFile script = new TorchScriptFile();
            script.compile(folded, sizePx);
            ExtraFilesMap extra = new ExtraFilesMap();
            extra.put(new BytePointer(CONTRACT), json(metadata));
            AtomicFile.writePath(file, temporary -> {
                try {
                    script.module.save(temporary.toString(), extra);
                } catch (RuntimeException e) { // of C++
                    throw new IOException(
                            String.valueOf(e.getMessage()).lines().findFirst().orElse("no reason given"), e);
                }
            });
        } catch (IOException e) {
            throw new ExportException(AtomicFile.cannotWrite(file, e), e);
        }
    }

    private static String json(Map<String, String> metadata) {
        try {
            return JSON.writeValueAsString(metadata);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("cannot write " + metadata + " as JSON", e);
        }
    }

    private void compile(Graph net, int sizePx) {
        boolean takesPixels = net.nodes().stream().anyMatch(node -> node.operation() instanceof Normalize);
        String floats = "torch.is_floating_point(x0)";
        line("assert x0.dim() == 4 and x0.size(1) == 3 and x0.size(2) == " + sizePx + " and x0.size(3) == " + sizePx
                + ", \"images must be [B, 3, " + sizePx + ", " + sizePx + "]\"");
        line(
                takesPixels
                        ? "assert not " + floats + ", \"images must be integers 0..255: this model normalizes them\""
                        : "assert " + floats + ", \"images must be floats, normalized as " + CONTRACT + " says\"");
        List<Node> nodes = net.nodes();
        for (int i = 1; i < nodes.size(); i++) {
            prefix = "node" + i + "_";
            Node node = nodes.get(i);
            String[] inputs =
                    node.inputs().stream().map(value -> "x" + value.node()).toArray(String[]::new);
            line("x" + i + " = " + call(node.operation(), inputs));
        }
        line("return x" + (nodes.size() - 1));
        module.define(program.toString());
        module.eval();
    }

    private void line(String text) {
        program.append("    ").append(text).append('\n');
    }

    private String call(Operation operation, String... x) {
        if (operation instanceof Convolution c) {
            return "torch.conv2d(" + x[0] + ", " + weight("weight", c.weight()) + ", " + optional("bias", c.bias())
                    + ", " + pair(c.stride()) + ", " + pair(c.padding()) + ", [1, 1], " + c.groups() + ")";
        } else if (operation instanceof Linear l) {
            return "torch.linear(" + x[0] + ", " + weight("weight", l.weight()) + ", " + optional("bias", l.bias())
                    + ")";
        } else if (operation instanceof BatchNorm n) {
            return "torch.batch_norm(" + x[0] + ", " + weight("weight", n.weight()) + ", " + weight("bias", n.bias())
                    + ", " + weight("mean", n.mean()) + ", " + weight("variance", n.variance()) + ", False, 0.0, "
                    + n.epsilon() + ", False)";
        } else if (operation instanceof PRelu p) {
            return "torch.prelu(" + x[0] + ", " + weight("slopes", p.slopes()) + ")";
        } else if (operation instanceof MaxPool p) {
            return "torch.max_pool2d(" + x[0] + ", " + pair(p.kernel()) + ", " + pair(p.stride()) + ", "
                    + pair(p.padding()) + ")";
        } else if (operation instanceof Normalize n) {
            return "torch.div(torch.sub(" + x[0] + ", " + weight("mean", perChannel(n.mean())) + "), "
                    + weight("deviation", perChannel(n.std())) + ")";
        } else if (operation instanceof Activation a) {
            return switch (a) {
                case RELU -> "torch.relu(" + x[0] + ")";
                case RELU6 -> "torch.hardtanh(" + x[0] + ", 0.0, 6.0)";
                case SILU -> "torch.silu(" + x[0] + ")";
                case SIGMOID -> "torch.sigmoid(" + x[0] + ")";
            };
        } else if (operation instanceof Operation.Add) {
            return "torch.add(" + x[0] + ", " + x[1] + ")";
        } else if (operation instanceof Operation.Scale) {
            return "torch.mul(" + x[0] + ", " + x[1] + ")";
        } else if (operation instanceof Operation.GlobalAveragePool) {
            return "torch.adaptive_avg_pool2d(" + x[0] + ", [1, 1])";
        } else if (operation instanceof Operation.Flatten) {
            return "torch.flatten(" + x[0] + ", 1)";
        } else if (operation instanceof Operation.L2Normalize) {
            String squares = "torch.sum(torch.mul(" + x[0] + ", " + x[0] + "), [1], True)";
            return "torch.div(" + x[0] + ", torch.clamp_min(torch.sqrt(" + squares + "), 1e-12))";
        }
        throw new IllegalArgumentException("cannot write " + operation);
    }

    private static String pair(int value) {
        return "[" + value + ", " + value + "]";
    }

    private String optional(String name, @Nullable Tensor tensor) {
        return tensor == null ? "None" : weight(name, tensor);
    }

    /** Takes a tensor along and gives its name in the program. */
    private String weight(String name, Tensor tensor) {
        Tensor onHost = tensor.to(new Device("cpu"), ScalarType.Float).contiguous();
        module.register_parameter(prefix + name, onHost, false);
        return "self." + prefix + name;
    }

    private static Tensor perChannel(List<Double> values) {
        return Tensor.create(values.stream().mapToDouble(v -> v).toArray(), 1, values.size(), 1, 1);
    }
}
