package org.facerecognition.onnx;

import static org.facerecognition.export.OnnxModelWriter.FREE;
import static org.facerecognition.export.OnnxModelWriter.attribute;

import com.sun.management.ThreadMXBean;
import java.io.IOException;
import java.io.InputStream;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.facerecognition.Mutations;
import org.facerecognition.export.OnnxModelWriter;
import org.facerecognition.inference.PreparedNet;
import org.facerecognition.weights.WeightsException;
import org.jspecify.annotations.Nullable;

/**
 * Opens damaged ONNX files: each must give a sentence that names it, or a network that computes what ONNX Runtime
 * computes, if that takes the file, in bounded memory. Each build opens some hundreds, and 5,000 with {@code
 * -Dtests.long=true}; the arguments of {@link #main} are how many, a seed and a folder for the files.
 */
public final class DamagedOnnxDrill {
    private static final InputContract PLAIN = InputContract.parse("RGB mean=0 std=1");
    private static final int SIZE_PX = 16;
    private static final List<String> NETWORKS = List.of(
            "densenet", "efficientnet", "iresnet", "mobilenet_v3", "regnet_y", "shufflenet_v2", "squeezenet", "vit");

    /** What opening a file may allocate in Java: the reader's limits are far above real networks. */
    private static final long MAX_BYTES = 400L << 20;

    /**
     * What became of the files.
     *
     * @param compared with ONNX Runtime, of those that were prepared
     */
    record Results(int refused, int uncovered, int prepared, int compared) {}

    private DamagedOnnxDrill() {}

    public static void main(String[] args) throws IOException {
        System.out.println(run(Integer.parseInt(args[0]), Long.parseLong(args[1]), Path.of(args[2])));
    }

    private static byte[] model() {
        float[] w = new float[8 * 3 * 9];
        float[] rows = new float[8 * 5];
        Arrays.fill(w, 0.1f);
        Arrays.fill(rows, 0.1f);
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

    /** Returns the files to damage: one of many kinds of nodes, and small encoders as PyTorch exports them. */
    private static List<byte[]> files() throws IOException {
        List<byte[]> files = new ArrayList<>(List.of(model()));
        for (String name : NETWORKS) {
            String resource = "networks/" + name + ".onnx";
            try (InputStream in = Objects.requireNonNull(DamagedOnnxDrill.class.getResourceAsStream(resource))) {
                files.add(in.readAllBytes());
            }
        }
        return files;
    }

    static Results run(int count, long seed, Path folder) throws IOException {
        Random random = new Random(seed);
        List<byte[]> files = files();
        int refused = 0;
        int uncovered = 0;
        int prepared = 0;
        int compared = 0;
        Path file = folder.resolve("damaged.onnx");
        for (int i = 0; i < count; i++) {
            Files.write(file, Mutations.of(files.get(i % files.size()), random));
            long before = allocated();
            try (OnnxModel model = OnnxModel.open(file, PLAIN)) {
                if (model.graph().isEmpty()) {
                    requireSentence(model.uncovered().orElseThrow());
                    uncovered++;
                    continue;
                }
                float[] embedding = embedding(model);
                prepared += embedding != null ? 1 : 0;
                compared += embedding != null && isCompared(model, embedding) ? 1 : 0;
            } catch (WeightsException | IllegalArgumentException e) {
                requireSentence(String.valueOf(e.getMessage()));
                if (!e.getMessage().contains(file.toString())) {
                    throw new AssertionError("the message does not name the file: " + e.getMessage(), e);
                }
                refused++;
            } finally {
                long bytes = allocated() - before;
                if (bytes > MAX_BYTES) {
                    throw new AssertionError("file " + i + " took " + bytes + " bytes");
                }
            }
        }
        return new Results(refused, uncovered, prepared, compared);
    }

    private static long allocated() {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        return threads.getThreadAllocatedBytes(Thread.currentThread().getId());
    }

    /** Returns the embedding of an image of which all values are 1; null if the network cannot be prepared. */
    private static float @Nullable [] embedding(OnnxModel model) {
        try (Device cpu = new Device("cpu");
                PreparedNet net = PreparedNet.of(
                        model.graph().orElseThrow(), 1, model.input().sizePx(), ScalarType.Float, cpu)) {
            byte[] pixels = new byte[3 * model.input().sizePx() * model.input().sizePx()];
            Arrays.fill(pixels, (byte) 1);
            return net.embed(List.of(pixels), model.input().normalization().table(), false)[0];
        } catch (UnsupportedOperationException | IllegalArgumentException e) { // the net does not know its file
            requireSentence(String.valueOf(e.getMessage()));
            return null;
        }
    }

    /** Compares with ONNX Runtime; false if that does not run the file, or numbers are too large to be compared. */
    private static boolean isCompared(OnnxModel model, float[] found) {
        float[] expected;
        try (PreparedNet net =
                PreparedNet.of(model.forOnnxRuntime(), 1, model.input().sizePx())) {
            byte[] pixels = new byte[3 * model.input().sizePx() * model.input().sizePx()];
            Arrays.fill(pixels, (byte) 1);
            expected = net.embed(List.of(pixels), model.input().normalization().table(), false)[0];
        } catch (UnsupportedOperationException e) {
            return false;
        }
        double largest = 1e-3;
        for (float value : expected) {
            largest = Math.max(largest, Math.abs(value));
        }
        if (!(largest < 1e6)) {
            return false;
        }
        for (int i = 0; i < expected.length; i++) {
            if (found.length != expected.length || !(Math.abs(found[i] - expected[i]) <= 1e-3 * largest)) {
                throw new AssertionError(
                        "computed " + Arrays.toString(found) + ", ONNX Runtime " + Arrays.toString(expected));
            }
        }
        return true;
    }

    private static void requireSentence(String message) {
        if (message.contains("\n") || message.isBlank() || message.contains("Exception")) {
            throw new AssertionError("no sentence: " + message);
        }
    }
}
