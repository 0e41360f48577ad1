package org.facerecognition.export;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.facerecognition.inference.CalmNets.SIZE_PX;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.IValue;
import org.bytedeco.pytorch.IValueVector;
import org.bytedeco.pytorch.JitModule;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.facerecognition.backbone.Backbone;
import org.facerecognition.backbone.Encoder;
import org.facerecognition.backbone.EncodersToTest;
import org.facerecognition.graph.Graph;
import org.facerecognition.graph.Operation;
import org.facerecognition.inference.CalmNets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;

/** Exported TorchScript files, loaded and run by libtorch, and by Python if it has torch. */
class TorchScriptFileTest {
    private static final int EMBEDDING = 24;
    private static final String PYTHON = "/usr/bin/python3";
    private static final Map<String, String> METADATA = Map.of("colorOrder", "RGB", "author", "Łukasz");
    private static final Operation.Normalize NORMALIZE =
            new Operation.Normalize(List.of(100.0, 110.0, 120.0), List.of(50.0, 60.0, 70.0));

    @TempDir
    Path folder;

    private static Tensor run(JitModule module, Tensor images) {
        IValueVector arguments = new IValueVector();
        arguments.push_back(new IValue(images));
        return module.forward(arguments).toTensor();
    }

    private static double difference(Tensor a, Tensor b) {
        return a.sub(b).abs().max().item_double() / b.abs().max().item_double();
    }

    private static long bytesOfValues(Path file) throws IOException {
        try (ZipFile zip = new ZipFile(file.toFile())) {
            return zip.stream()
                    .filter(entry -> entry.getName().contains("/data/"))
                    .mapToLong(ZipEntry::getSize)
                    .sum();
        }
    }

    /** JavaCPP gives libtorch texts in the encoding of the locale, in which they were lost or not UTF-8. */
    @Test
    void metadataDoNotDependOnTheLocale() throws IOException {
        Path file = folder.resolve("net.pt");
        try (Backbone net = CalmNets.make(Encoder.RESNET18, EMBEDDING);
                Graph graph = net.graph()) {
            TorchScriptFile.write(file, graph, SIZE_PX, METADATA);
        }
        try (ZipFile zip = new ZipFile(file.toFile())) {
            ZipEntry entry = zip.stream()
                    .filter(e -> e.getName().endsWith("/extra/" + TorchScriptFile.CONTRACT))
                    .findFirst()
                    .orElseThrow();
            byte[] json = zip.getInputStream(entry).readAllBytes();
            assertThat(new String(json, StandardCharsets.US_ASCII)).contains("\\u0141ukasz");
            assertThat(new ObjectMapper().readValue(json, new TypeReference<Map<String, String>>() {}))
                    .isEqualTo(METADATA);
        }
    }

    @ParameterizedTest
    @EncodersToTest
    void libtorchComputesWhatTheNetworkComputes(Encoder encoder) throws IOException {
        Path file = folder.resolve("net.pt");
        try (Backbone net = CalmNets.make(encoder, EMBEDDING);
                Graph graph = net.graph();
                PointerScope scope = new PointerScope();
                NoGradGuard noGrad = new NoGradGuard()) {
            TorchScriptFile.write(file, graph, SIZE_PX, METADATA);
            JitModule module = torch.load(file.toString());
            Tensor images = torch.randn(3, 3, SIZE_PX, SIZE_PX);
            assertThat(difference(run(module, images), net.forward(images))).isLessThan(1e-4);
            long bytesOfValues = bytesOfValues(file);
            assertThat(bytesOfValues).isPositive();
            assertThat(Files.size(file) - bytesOfValues)
                    .as("what is beside the values in the room that is taken before")
                    .isLessThan(1 << 19); // half of it
        }
    }

    @Test
    void rejectsImagesOfAnotherSizeOrType() {
        Path floats = folder.resolve("floats.pt");
        Path pixels = folder.resolve("pixels.pt");
        try (Backbone net = CalmNets.make(Encoder.MOBILEFACENET, EMBEDDING);
                Graph graph = net.graph();
                Graph normalizing = graph.between(NORMALIZE, new Operation.L2Normalize());
                PointerScope scope = new PointerScope();
                NoGradGuard noGrad = new NoGradGuard()) {
            TorchScriptFile.write(floats, graph, SIZE_PX, METADATA);
            TorchScriptFile.write(pixels, normalizing, SIZE_PX, METADATA);
            JitModule takesFloats = torch.load(floats.toString());
            assertThatThrownBy(() -> run(takesFloats, torch.randn(1, 3, 64, 64)))
                    .hasMessageContaining("images must be [B, 3, 32, 32]");
            Tensor bytes = torch.zeros(1, 3, SIZE_PX, SIZE_PX).to(ScalarType.Byte);
            assertThatThrownBy(() -> run(takesFloats, bytes))
                    .hasMessageContaining("images must be floats, normalized as");
            JitModule takesPixels = torch.load(pixels.toString());
            assertThatThrownBy(() -> run(takesPixels, torch.randn(1, 3, SIZE_PX, SIZE_PX)))
                    .hasMessageContaining("images must be integers 0..255");
        }
    }

    @Test
    void pythonComputesWhatTheNetworkComputes() throws Exception {
        assumeTrue(pythonHasTorch(), "skipped because " + PYTHON + " does not have torch and numpy");
        List<String> command = new ArrayList<>(List.of(PYTHON, script().toString()));
        List<Encoder> encoders =
                List.of(Encoder.RESNET18, Encoder.EFFICIENTNET_B0, Encoder.IRESNET18, Encoder.MOBILEFACENET);
        List<Path> outputs = new ArrayList<>();
        List<float[]> expected = new ArrayList<>();
        for (Encoder encoder : encoders) {
            try (Backbone net = CalmNets.make(encoder, EMBEDDING);
                    Graph graph = net.graph();
                    Graph normalizing = graph.between(NORMALIZE, new Operation.L2Normalize());
                    PointerScope scope = new PointerScope();
                    NoGradGuard noGrad = new NoGradGuard()) {
                Path file = folder.resolve(encoder.id());
                TorchScriptFile.write(file, graph, SIZE_PX, METADATA);
                Tensor images = torch.randn(2, 3, SIZE_PX, SIZE_PX);
                expected.add(values(net.forward(images)));
                outputs.add(addRun(command, file, images, "float32"));
                if (encoder == Encoder.MOBILEFACENET) {
                    Path normalizingFile = folder.resolve("normalizing");
                    TorchScriptFile.write(normalizingFile, normalizing, SIZE_PX, METADATA);
                    Tensor pixels = torch.randint(0, 256, new long[] {2, 3, SIZE_PX, SIZE_PX})
                            .to(ScalarType.Byte);
                    Tensor mean = Tensor.create(new float[] {100, 110, 120}, 1, 3, 1, 1);
                    Tensor std = Tensor.create(new float[] {50, 60, 70}, 1, 3, 1, 1);
                    expected.add(values(torch.normalize(
                            net.forward(pixels.to(ScalarType.Float).sub(mean).div(std)))));
                    outputs.add(addRun(command, normalizingFile, pixels, "uint8"));
                }
            }
        }
        Process python = new ProcessBuilder(command).redirectErrorStream(true).start();
        String printed = new String(python.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(python.waitFor()).as(printed).isZero();

        assertThat(new ObjectMapper()
                        .readValue(
                                printed.lines().findFirst().orElseThrow(), new TypeReference<Map<String, String>>() {}))
                .isEqualTo(METADATA);
        for (int i = 0; i < outputs.size(); i++) {
            float[] actual = new float[2 * EMBEDDING];
            ByteBuffer.wrap(Files.readAllBytes(outputs.get(i)))
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .asFloatBuffer()
                    .get(actual);
            double maxValue = 0;
            double maxDifference = 0;
            for (int k = 0; k < actual.length; k++) {
                maxValue = Math.max(maxValue, Math.abs(expected.get(i)[k]));
                maxDifference = Math.max(maxDifference, Math.abs(expected.get(i)[k] - actual[k]));
            }
            assertThat(maxDifference).as(outputs.get(i).toString()).isLessThan(1e-4 * maxValue);
        }
    }

    /** Writes an input file and adds the arguments for one model to the command; returns the output file. */
    private Path addRun(List<String> command, Path file, Tensor input, String type) throws Exception {
        byte[] bytes = new byte[(int) (input.numel() * input.element_size())];
        try (BytePointer data = new BytePointer(input.contiguous().data_ptr())) {
            data.get(bytes);
        }
        Path inputFile = Files.write(folder.resolve(file.getFileName() + ".in"), bytes);
        Path output = folder.resolve(file.getFileName() + ".out");
        command.addAll(List.of(
                file.toString(), inputFile.toString(), "2x3x" + SIZE_PX + "x" + SIZE_PX, type, output.toString()));
        return output;
    }

    private static float[] values(Tensor tensor) {
        float[] values = new float[(int) tensor.numel()];
        tensor.contiguous().data_ptr_float().get(values);
        return values;
    }

    /** Exports a network to each file, and prints why that is not possible. */
    static final class Exports {
        private Exports() {}

        public static void main(String[] args) {
            try (Backbone net = CalmNets.make(Encoder.MOBILEFACENET, EMBEDDING);
                    Graph graph = net.graph()) {
                for (String file : args) {
                    try {
                        TorchScriptFile.write(Path.of(file), graph, SIZE_PX, METADATA);
                        System.out.println("written");
                    } catch (ExportException e) {
                        System.out.println(e.getMessage());
                    }
                }
            }
        }
    }

    /** Returns what {@link Exports} prints in a process whose files may have so many blocks. */
    private static List<String> exports(String limit, Path file) throws IOException {
        return new ProcessBuilder(
                        "/bin/bash",
                        "-c",
                        "ulimit -c 0; ulimit -f " + limit + "; exec \"$@\"",
                        "bash",
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-XX:TieredStopAtLevel=1",
                        "-cp",
                        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")),
                        Exports.class.getName(),
                        file.toString())
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start()
                .inputReader()
                .lines()
                .toList();
    }

    /** libtorch ended the process when it could not write. */
    @Test
    void reportsAFullDiskAndKeepsTheOldFile() throws IOException {
        assumeTrue(Files.isExecutable(Path.of("/bin/bash")), "needs a shell that can limit the size of files");
        Path file = folder.resolve("net.pt");
        assertThat(exports("unlimited", file)).containsExactly("written"); // the natives are unpacked now
        Files.writeString(file, "old");
        assertThat(exports("1000", file))
                .containsExactly("cannot write " + file + ": File too large; an existing file of that name is"
                        + " unchanged; free some space or choose another folder");
        assertThat(file).hasContent("old");
        try (Stream<Path> files = Files.list(folder)) {
            assertThat(files).containsExactly(file);
        }
    }

    @Test
    void reportsADeviceThatIsFull() throws IOException {
        Path full = Path.of("/dev/full");
        assumeTrue(Files.exists(full), "needs a device that is full");
        assertThat(exports("unlimited", full))
                .containsExactly("cannot write /dev/full: No space left on device; an existing file of that name is"
                        + " unchanged; free some space or choose another folder");
    }

    private Path script() throws Exception {
        try (InputStream script = TorchScriptFileTest.class.getResourceAsStream("run_torchscript.py")) {
            return Files.write(folder.resolve("run.py"), script.readAllBytes());
        }
    }

    private static boolean pythonHasTorch() throws Exception {
        try {
            return new ProcessBuilder(PYTHON, "-c", "import torch, numpy")
                            .redirectErrorStream(true)
                            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                            .start()
                            .waitFor()
                    == 0;
        } catch (IOException e) {
            return false;
        }
    }
}
