package org.facerecognition.benchmarks;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
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
 * Whether a net gives the same embeddings wherever it runs: the largest difference to ours, as a share of our largest value,
 * of the prepared net, of the ONNX export in ONNX Runtime, and of the TorchScript export in DJL and in Python; and that of
 * ours to the same net in float64, which says how much of it is float32's rounding.
 *
 * <p>{@code java -jar benchmarks/target/benchmarks.jar exports [ENCODER ...]}; all encoders where none is named.
 */
final class ExportsBenchmark {
    private static final int IMAGES = 2;

    private ExportsBenchmark() {}

    /** Runs it and prints a table. */
    static void run(String[] args) throws IOException, InterruptedException {
        List<Encoder> encoders =
                args.length > 0 ? Arrays.stream(args).map(Encoder::of).toList() : List.of(Encoder.values());
        Path folder = Files.createTempDirectory("exports-benchmark");
        try {
            System.out.println(
                    "| largest difference / largest value | prepared | ONNX Runtime | DJL 0.36 | Python | float64 |");
            System.out.println("|---|---|---|---|---|---|");
            for (Encoder encoder : encoders) {
                try (Net net = new Net(encoder, folder)) {
                    System.out.println("| `" + encoder.id() + "` | " + compared(net, folder) + " |");
                } catch (OrtException e) {
                    throw new IOException(e);
                }
            }
        } finally {
            TrainingBenchmark.delete(folder);
        }
    }

    private static String compared(Net net, Path folder) throws IOException, InterruptedException, OrtException {
        try (PointerScope scope = new PointerScope();
                NoGradGuard noGrad = new NoGradGuard();
                PreparedRecognizer prepared =
                        net.recognizer().prepare(PrepareOptions.DEFAULT.withArithmetic(Arithmetic.FP32))) {
            torch.manual_seed(0);
            Tensor images = torch.randn(IMAGES, 3, Net.SIZE_PX, Net.SIZE_PX);
            float[] ours = values(net.recognizer().embed(images));
            Path input = folder.resolve("images");
            RawFloats.write(input, values(images));
            String script = net.file("pt").toString();
            List<String> differences = List.of(
                    difference(values(prepared.embed(images)), ours),
                    difference(onnxRuntime(net, values(images)), ours),
                    difference(child(Child.javaCommand(DjlFile.class), script, input), ours),
                    difference(child(Child.pythonCommand("embed_file.py"), script, input), ours),
                    difference(ours, inDouble(net, images)));
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
        try (OrtSession session = InProcess.onnxRuntime(net);
                OnnxTensor input =
                        OnnxTensor.createTensor(OrtEnvironment.getEnvironment(), FloatBuffer.wrap(images), shape);
                OrtSession.Result result = session.run(Map.of("images", input))) {
            return ((OnnxTensor) result.get(0)).getFloatBuffer().array();
        }
    }

    /** The net is of float64 afterwards. */
    private static float[] inDouble(Net net, Tensor images) {
        net.recognizer().encoder().to(ScalarType.Double, false);
        return values(
                net.recognizer().encoder().forward(images.to(ScalarType.Double)).to(ScalarType.Float));
    }

    /** Empty where it failed, which is told: there is no Python, say. */
    private static float[] child(List<String> command, String script, Path input)
            throws IOException, InterruptedException {
        Path output = Files.createTempFile(input.getParent(), "embeddings", "");
        command.addAll(List.of(script, input.toString(), output.toString()));
        int code = new ProcessBuilder(command)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start()
                .waitFor();
        if (code != 0) {
            System.err.println("it ended with " + code + ": " + String.join(" ", command));
            return new float[0];
        }
        return RawFloats.read(output);
    }

    private static String difference(float[] theirs, float[] ours) {
        if (theirs.length != ours.length) {
            return "-";
        }
        double most = 0;
        double largest = 0;
        for (int i = 0; i < ours.length; i++) {
            most = Math.max(most, Math.abs(theirs[i] - ours[i]));
            largest = Math.max(largest, Math.abs(ours[i]));
        }
        return String.format("%.1e", most / largest);
    }
}
