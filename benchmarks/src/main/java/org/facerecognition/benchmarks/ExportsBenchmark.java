package org.facerecognition.benchmarks;

import ai.djl.engine.Engine;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.facerecognition.PreparedRecognizer;
import org.facerecognition.backbone.Encoder;
import org.facerecognition.inference.PrepareOptions;
import org.facerecognition.inference.PrepareOptions.Arithmetic;

/**
 * Checks that a network returns the same embeddings wherever it runs. Compares the network in libtorch, layer by layer,
 * with the prepared network, the ONNX export in ONNX Runtime, and the TorchScript export in DJL and in Python. Reports
 * the largest absolute difference divided by the largest absolute value of libtorch's embeddings. A last column
 * compares them with those of the same network in float64, which shows how much of the difference is the rounding of
 * float32.
 *
 * <p>Run with {@code java -jar benchmarks/target/benchmarks.jar exports [ENCODER ...]}; by default all encoders.
 */
final class ExportsBenchmark {
    private static final int IMAGES = 2;

    private ExportsBenchmark() {}

    /** Runs the benchmark and prints a table. */
    static void run(String[] args) throws IOException, InterruptedException {
        List<Encoder> encoders = args.length > 0
                ? Arrays.stream(args)
                        .map(word -> Arguments.oneOf(Encoder.values(), Encoder::id, "ENCODER", word))
                        .toList()
                : List.of(Encoder.values());
        try (TemporaryFolder temporary = TemporaryFolder.create("exports-benchmark")) {
            Path folder = temporary.path();
            List<String> table = new ArrayList<>();
            for (Encoder encoder : encoders) {
                try (Net net = new Net(encoder, folder)) {
                    table.add("| `" + encoder.id() + "` | " + row(net, folder) + " |");
                    System.out.println("compared " + encoder.id());
                } catch (OrtException e) {
                    throw new IOException(e);
                }
            }
            System.out.printf(
                    "| largest difference / largest value | prepared | ONNX Runtime %s | DJL %s | Python | float64 |%n",
                    OrtEnvironment.getEnvironment().getVersion(), Engine.getDjlVersion());
            System.out.println("|---|---|---|---|---|---|");
            table.forEach(System.out::println);
        }
    }

    private static String row(Net net, Path folder) throws IOException, InterruptedException, OrtException {
        try (PointerScope scope = new PointerScope();
                NoGradGuard noGrad = new NoGradGuard();
                PreparedRecognizer prepared =
                        net.recognizer().prepare(PrepareOptions.DEFAULT.withArithmetic(Arithmetic.FP32))) {
            torch.manual_seed(0);
            Tensor images = torch.randn(IMAGES, 3, Net.SIZE_PX, Net.SIZE_PX);
            float[] expected = values(net.recognizer().encoder().forward(images)); // libtorch, layer by layer
            Path input = folder.resolve("images");
            RawFloats.write(input, values(images));
            String script = net.file("pt").toString();
            List<String> differences = List.of(
                    difference(values(prepared.embed(images)), expected),
                    difference(onnxRuntime(net, values(images)), expected),
                    difference(child("DJL", Child.javaCommand(DjlFile.class), script, input), expected),
                    difference(child("Python", Child.pythonCommand("embed_file.py"), script, input), expected),
                    difference(expected, inDouble(net, images)));
            return String.join(" | ", differences);
        }
    }

    private static float[] values(Tensor tensor) {
        float[] values = new float[(int) tensor.numel()];
        tensor.contiguous().data_ptr_float().get(values);
        return values;
    }

    private static float[] onnxRuntime(Net net, float[] images) throws OrtException {
        long[] shape = {IMAGES, 3, Net.SIZE_PX, Net.SIZE_PX};
        try (OrtSession session = InProcess.onnxRuntime(net, torch.get_num_threads());
                OnnxTensor input =
                        OnnxTensor.createTensor(OrtEnvironment.getEnvironment(), FloatBuffer.wrap(images), shape);
                OrtSession.Result result = session.run(Map.of("images", input))) {
            return ((OnnxTensor) result.get(0)).getFloatBuffer().array();
        }
    }

    /** Embeds in float64. The network stays in float64. */
    private static float[] inDouble(Net net, Tensor images) {
        net.recognizer().encoder().to(ScalarType.Double, false);
        return values(
                net.recognizer().encoder().forward(images.to(ScalarType.Double)).to(ScalarType.Float));
    }

    /** Embeds in a child process; returns an empty array and prints why if that fails, for example without Python. */
    static float[] child(String name, List<String> command, String script, Path input)
            throws IOException, InterruptedException {
        Path output = Files.createTempFile(input.getParent(), "embeddings", "");
        command.addAll(List.of(script, input.toString(), output.toString()));
        Process process;
        try {
            process = new ProcessBuilder(command)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .start();
        } catch (IOException e) { // there is no such program
            System.out.println("skipping " + name + ": " + e.getMessage());
            return new float[0];
        }
        Runtime.getRuntime().addShutdownHook(new Thread(process::destroy));
        LastLine errors = new LastLine(process);
        int status = process.waitFor();
        if (status != 0) {
            System.out.println("skipping " + name + ": it ended with status " + status + errors.quoted());
            return new float[0];
        }
        return RawFloats.read(output);
    }

    /** Returns the relative difference, or a dash if there is nothing to compare. */
    private static String difference(float[] actual, float[] expected) {
        if (actual.length != expected.length) {
            return "-";
        }
        double maxDifference = 0;
        double maxValue = 0;
        for (int i = 0; i < expected.length; i++) {
            maxDifference = Math.max(maxDifference, Math.abs(actual[i] - expected[i]));
            maxValue = Math.max(maxValue, Math.abs(expected[i]));
        }
        return String.format("%.1e", maxDifference / maxValue);
    }
}
