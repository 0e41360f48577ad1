package org.facerecognition.export;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.json.JsonWriteFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.ExtraFilesMap;
import org.bytedeco.pytorch.JitModule;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.QualifiedName;
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
 * Writes a graph as a TorchScript file, which {@code torch.jit.load} in Python and C++ and DJL's PyTorch engine read.
 * The module has one method, {@code forward}, which checks the shape and type of its input; the file's metadata is the
 * extra file {@link #CONTRACT}. Batch normalization is folded into the adjacent weights where that is exact.
 *
 * <p>The program is generated as text that libtorch compiles. It uses only functions that PyTorch has had for a long
 * time: PyTorch 1.13 reads the file.
 */
public final class TorchScriptFile {
    /** The name of the extra file with the metadata, a JSON object. */
    public static final String CONTRACT = "contract.json";

    /** ASCII, because JavaCPP gives libtorch texts in the encoding of the locale. */
    private static final ObjectMapper JSON = new ObjectMapper(
            JsonFactory.builder().enable(JsonWriteFeature.ESCAPE_NON_ASCII).build());

    /** Of the archive's directory, its program and what is recorded of the program's text. */
    private static final int MAX_BYTES_BESIDE_VALUES = 1 << 20;

    private static final int PIECE_BYTES = 1 << 20;

    private final JitModule module = new JitModule(new QualifiedName("__torch__.FaceEmbedder"));
    private final StringBuilder program = new StringBuilder("def forward(self, x0: Tensor) -> Tensor:\n");
    private long bytes = MAX_BYTES_BESIDE_VALUES; // at least as many as the file will have

    private TorchScriptFile() {}

    /**
     * Writes a file; an existing one is replaced atomically.
     *
     * @param net the graph to write, borrowed. If it normalizes pixels, {@code forward} takes integers 0..255, else
     *     floats.
     * @param sizePx the side of the square input in pixels
     * @param metadata free text by key
     * @throws ExportException when the file cannot be written
     */
    public static void write(Path file, Graph net, int sizePx, Map<String, String> metadata) {
        Libtorch.load();
        try (PointerScope scope = new PointerScope();
                NoGradGuard noGrad = new NoGradGuard();
                Graph folded = BatchNormFolding.fold(net)) {
            TorchScriptFile script = new TorchScriptFile();
            script.compile(folded, sizePx);
            ExtraFilesMap extra = new ExtraFilesMap();
            String contract = json(metadata);
            extra.put(new BytePointer(CONTRACT), contract);
            script.bytes += contract.length();
            AtomicFile.writePath(file, temporary -> script.save(temporary, extra));
        } catch (IOException e) {
            throw new ExportException(AtomicFile.cannotWrite(file, e), e);
        }
    }

    /**
     * Writes the archive to an existing file. libtorch ends the process when it cannot write, so the file gets the room
     * before, where a full disk is an exception. libtorch empties the file before it fills it again: what remains is
     * that another program takes the room at that moment, or a file system that copies on write has not freed it yet.
     */
    private void save(Path temporary, ExtraFilesMap extra) throws IOException {
        byte[] piece = new byte[PIECE_BYTES];
        new Random(0).nextBytes(piece); // some file systems take no room for zeros
        // closed at the end, because closing any stream of a file releases the lock of its writer
        try (FileOutputStream room = new FileOutputStream(temporary.toFile())) {
            for (long left = bytes; left > 0; left -= piece.length) {
                room.write(piece, 0, (int) Math.min(left, piece.length));
            }
            room.getFD().sync(); // network file systems report a full disk only then
            module.save(temporary.toString(), extra);
        } catch (RuntimeException e) { // a C++ exception
            throw new IOException(
                    String.valueOf(e.getMessage()).lines().findFirst().orElse("no reason given"), e);
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
                        : "assert " + floats + ", \"images must be floats, normalized as described in " + CONTRACT
                                + "\"");
        List<Node> nodes = net.nodes();
        for (int i = 1; i < nodes.size(); i++) {
            Node node = nodes.get(i);
            String[] inputs =
                    node.inputs().stream().map(value -> "x" + value.node()).toArray(String[]::new);
            line("x" + i + " = " + node.operation().accept(new CallWriter("node" + i + "_", inputs)));
        }
        line("return x" + (nodes.size() - 1));
        module.define(program.toString());
        module.eval();
    }

    private void line(String text) {
        program.append("    ").append(text).append('\n');
    }

    /** Returns the expression that computes one operation, and registers the operation's weights. */
    private final class CallWriter implements Operation.Visitor<String> {
        private final String prefix; // of the names of the operation's weights
        private final String[] x; // names of the inputs

        CallWriter(String prefix, String[] x) {
            this.prefix = prefix;
            this.x = x;
        }

        @Override
        public String normalize(Normalize n) {
            String centered = call("sub", x[0], weight("mean", n.meanPerChannel()));
            return call("div", centered, weight("deviation", n.stdPerChannel()));
        }

        @Override
        public String l2Normalize(L2Normalize l2Normalize) {
            String squares = call("sum", call("mul", x[0], x[0]), "[1]", "True");
            return call("div", x[0], call("clamp_min", call("sqrt", squares), Double.toString(L2Normalize.MIN_NORM)));
        }

        @Override
        public String convolution(Convolution c) {
            return call(
                    "conv2d",
                    padded(c.window(), "0.0"),
                    weight("weight", c.weight()),
                    weightOrNone("bias", c.bias()),
                    Arrays.toString(c.window().strides()),
                    padding(c.window()),
                    Arrays.toString(c.window().dilations()),
                    Integer.toString(c.groups()));
        }

        @Override
        public String linear(Linear l) {
            return call("linear", x[0], weight("weight", l.weight()), weightOrNone("bias", l.bias()));
        }

        @Override
        public String batchNorm(BatchNorm n) {
            return call(
                    "batch_norm",
                    x[0],
                    weight("weight", n.weight()),
                    weight("bias", n.bias()),
                    weight("mean", n.mean()),
                    weight("variance", n.variance()),
                    "False",
                    "0.0",
                    Double.toString(n.epsilon()),
                    "False");
        }

        @Override
        public String activation(Activation activation) {
            return switch (activation) {
                case RELU -> call("relu", x[0]);
                case RELU6 -> call("hardtanh", x[0], "0.0", "6.0");
                case SILU -> call("silu", x[0]);
                case SIGMOID -> call("sigmoid", x[0]);
                case HARD_SWISH -> "torch.nn.functional.hardswish(" + x[0] + ")";
                case GELU -> "torch.nn.functional.gelu(" + x[0] + ")";
                case MISH -> "torch.nn.functional.mish(" + x[0] + ")";
                case TANH -> call("tanh", x[0]);
            };
        }

        @Override
        public String prelu(PRelu p) {
            return call("prelu", x[0], weight("slopes", p.slopes()));
        }

        @Override
        public String add(Add add) {
            return call("add", x[0], x[1]);
        }

        @Override
        public String scale(Scale scale) {
            return call("mul", x[0], x[1]);
        }

        @Override
        public String maxPool(MaxPool p) {
            String kernel = Arrays.toString(new int[] {p.height(), p.width()});
            return call(
                    "max_pool2d",
                    p.hasSmallPadding() ? x[0] : pad(x[0], p.window(), "-float('inf')"),
                    kernel,
                    Arrays.toString(p.window().strides()),
                    Arrays.toString(p.hasSmallPadding() ? p.window().begins() : new long[2]),
                    Arrays.toString(p.window().dilations()));
        }

        @Override
        public String averagePool(AveragePool p) {
            String means = average(p, x[0]);
            return p.countsPadding() ? means : call("div", means, average(p, call("ones_like", x[0])));
        }

        private String average(AveragePool p, String values) {
            return call(
                    "avg_pool2d",
                    pad(values, p.window(), "0.0"),
                    Arrays.toString(new int[] {p.height(), p.width()}),
                    Arrays.toString(p.window().strides()));
        }

        /** Returns the input, with padding that PyTorch's operators lack: they pad opposite sides alike. */
        private String padded(Window w, String value) {
            return w.isSymmetric() ? x[0] : pad(x[0], w, value);
        }

        private String padding(Window w) {
            return Arrays.toString(w.isSymmetric() ? w.begins() : new long[2]);
        }

        private String pad(String values, Window w, String value) {
            String sides = Arrays.toString(new int[] {w.left(), w.right(), w.top(), w.bottom()});
            return call("constant_pad_nd", values, sides, value);
        }

        @Override
        public String clip(Clip clip) {
            return call("hardtanh", x[0], number(clip.min()), number(clip.max()));
        }

        private String number(double value) {
            return Double.isInfinite(value) ? (value < 0 ? "-" : "") + "float('inf')" : Double.toString(value);
        }

        @Override
        public String hardSigmoid(HardSigmoid h) {
            String line = call("add", call("mul", x[0], number(h.alpha())), number(h.beta()));
            return call("hardtanh", line, "0.0", "1.0");
        }

        @Override
        public String concat(Concat concat) {
            return call("cat", Arrays.toString(x), "1");
        }

        @Override
        public String sliceChannels(SliceChannels s) {
            return call("narrow", x[0], "1", Integer.toString(s.from()), Integer.toString(s.to() - s.from()));
        }

        @Override
        public String shuffleChannels(ShuffleChannels s) {
            return call("channel_shuffle", x[0], Integer.toString(s.groups()));
        }

        @Override
        public String upsample(Upsample u) {
            String factor = Integer.toString(u.factor());
            return call("repeat_interleave", call("repeat_interleave", x[0], factor, "2"), factor, "3");
        }

        @Override
        public String unflatten(Unflatten unflatten) {
            return call("unsqueeze", call("unsqueeze", x[0], "2"), "3");
        }

        @Override
        public String globalAveragePool(GlobalAveragePool pool) {
            return call("adaptive_avg_pool2d", x[0], "[1, 1]");
        }

        @Override
        public String flatten(Flatten flatten) {
            return call("flatten", x[0], "1");
        }

        private String weightOrNone(String name, @Nullable Constant values) {
            return values == null ? "None" : weight(name, values);
        }

        /** Registers a constant as a parameter and returns its name in the program. */
        private String weight(String name, Constant values) {
            bytes += values.count() * Float.BYTES;
            module.register_parameter(prefix + name, values.tensor(), false);
            return "self." + prefix + name;
        }
    }

    private static String call(String function, String... arguments) {
        return "torch." + function + "(" + String.join(", ", arguments) + ")";
    }
}
