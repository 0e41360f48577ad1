package org.facerecognition.onnx;

import static org.facerecognition.export.OnnxModelWriter.FREE;
import static org.facerecognition.export.OnnxModelWriter.attribute;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.facerecognition.Mutations;
import org.facerecognition.export.OnnxModelWriter;
import org.facerecognition.inference.PreparedNet;
import org.facerecognition.weights.WeightsException;

/**
 * Opens damaged ONNX files: each must give a sentence that names it, or a network that works, in bounded memory. The
 * unit tests open some hundreds; the arguments of {@link #main} are how many, a seed and a folder for the files.
 */
public final class DamagedOnnxDrill {
    private static final InputContract PLAIN = InputContract.parse("RGB mean=0 std=1");
    private static final int SIZE_PX = 16;

    private DamagedOnnxDrill() {}

    public static void main(String[] args) throws IOException {
        int[] results = run(Integer.parseInt(args[0]), Long.parseLong(args[1]), Path.of(args[2]));
        System.out.println("refused " + results[0] + ", not covered " + results[1] + ", prepared " + results[2]);
    }

    private static byte[] model() {
        float[] w = new float[8 * 3 * 9];
        float[] rows = new float[8 * 5];
        java.util.Arrays.fill(w, 0.1f);
        java.util.Arrays.fill(rows, 0.1f);
        return new OnnxModelWriter(17)
                .input("images", FREE, 3, SIZE_PX, SIZE_PX)
                .output("y", FREE, 5)
                .floats("w", w, 8, 3, 3, 3)
                .floats("slopes", new float[8], 8, 1, 1)
                .floats("rows", rows, 8, 5)
                .written("half", 10, new long[] {0x3c00}, 1)
                .integers("to", 0, -1)
                .node("Conv", "images w -> c", attribute("pads", new long[] {1, 1, 1, 1}))
                .node("PRelu", "c slopes -> p")
                .node("Mul", "p half -> m")
                .node("MaxPool", "m -> x", attribute("kernel_shape", new long[] {2, 2}))
                .node("GlobalAveragePool", "x -> g")
                .node("Reshape", "g to -> f")
                .node("Gemm", "f rows -> y", attribute("alpha", 0.5))
                .metadata("name", "value")
                .bytes();
    }

    /** Returns how many files were refused, not covered, and prepared. */
    static int[] run(int count, long seed, Path folder) throws IOException {
        Random random = new Random(seed);
        byte[] bytes = model();
        int[] results = new int[3];
        Path file = folder.resolve("damaged.onnx");
        for (int i = 0; i < count; i++) {
            Files.write(file, Mutations.of(bytes, random));
            try (OnnxModel model = OnnxModel.open(file, PLAIN)) {
                if (model.graph().isEmpty()) {
                    requireSentence(model.uncovered().orElseThrow());
                    results[1]++;
                    continue;
                }
                results[2] += prepared(model) ? 1 : 0;
            } catch (WeightsException | IllegalArgumentException e) {
                requireSentence(String.valueOf(e.getMessage()));
                if (!e.getMessage().contains(file.toString())) {
                    throw new AssertionError("the message does not name the file: " + e.getMessage(), e);
                }
                results[0]++;
            }
        }
        return results;
    }

    private static boolean prepared(OnnxModel model) {
        try (Device cpu = new Device("cpu");
                PreparedNet net = PreparedNet.of(
                        model.graph().orElseThrow(), 1, model.input().sizePx(), ScalarType.Float, cpu)) {
            int side = model.input().sizePx();
            net.embed(
                    java.util.List.of(new byte[3 * side * side]),
                    model.input().normalization().table(),
                    false);
            return true;
        } catch (UnsupportedOperationException | IllegalArgumentException e) { // the net does not know its file
            requireSentence(String.valueOf(e.getMessage()));
            return false;
        }
    }

    private static void requireSentence(String message) {
        if (message.contains("\n") || message.isBlank() || message.contains("Exception")) {
            throw new AssertionError("no sentence: " + message);
        }
    }
}
