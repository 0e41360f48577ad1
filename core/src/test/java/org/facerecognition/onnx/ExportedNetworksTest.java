package org.facerecognition.onnx;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;
import org.facerecognition.graph.Graph;
import org.facerecognition.inference.EngineRuns;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Small encoders as PyTorch exports them, and what ONNX Runtime computes with them: the script in {@code networks}
 * wrote both. torchvision's whole networks are in {@link TorchvisionModelsTest}, which needs Python.
 */
class ExportedNetworksTest {
    private static final int SIZE_PX = 48;

    private static Path resource(String name) throws URISyntaxException {
        return Path.of(Objects.requireNonNull(ExportedNetworksTest.class.getResource("networks/" + name))
                .toURI());
    }

    private static OnnxModel open(String name) throws URISyntaxException {
        return OnnxModel.open(resource(name + ".onnx"), InputContract.parse("RGB mean=0 std=1"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "iresnet",
                "mobilefacenet",
                "resnet",
                "mobilenet_v2",
                "mobilenet_v3",
                "shufflenet_v2",
                "squeezenet",
                "densenet",
                "regnet_x",
                "regnet_y",
                "efficientnet",
                "efficientnet_v2"
            })
    void oneDnnComputesWhatOnnxRuntimeComputes(String name) throws Exception {
        try (OnnxModel model = open(name)) {
            assertThat(model.uncovered()).isEmpty();
            Graph graph = model.graph().orElseThrow();
            Map<String, float[][]> results = EngineRuns.all(graph, floats(resource("images.bin")), SIZE_PX);
            assertThat(results.keySet()).containsExactly("oneDNN", "libtorch");
            results.forEach((engine, rows) -> requireEqual(name + " in " + engine, rows, golden(name)));
        }
    }

    @ParameterizedTest
    @CsvSource({
        "convnext, node /features/features.0/features.0.1/LayerNormalization (LayerNormalization) is not covered",
        "vit, node /Transpose (Transpose) is not covered"
    })
    void namesTheNodeForWhichOnnxRuntimeRunsTheOthers(String name, String node) throws Exception {
        try (OnnxModel model = open(name)) {
            assertThat(model.uncovered().orElseThrow()).startsWith(node);
            assertThat(model.graph()).isEmpty();
            Map<String, float[][]> results =
                    EngineRuns.onnxRuntime(model.forOnnxRuntime(), floats(resource("images.bin")), SIZE_PX);
            assertThat(results.keySet()).containsExactly("ONNX Runtime");
            results.forEach((engine, rows) -> requireEqual(name + " in " + engine, rows, golden(name)));
        }
    }

    private static float[] golden(String name) {
        try {
            return floats(resource(name + ".bin"));
        } catch (IOException | URISyntaxException e) {
            throw new AssertionError(e);
        }
    }

    /** Returns the numbers of a file, float32. */
    static float[] floats(Path file) throws IOException {
        ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file));
        float[] values = new float[bytes.remaining() / Float.BYTES];
        bytes.order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(values);
        return values;
    }

    /**
     * Compares embeddings with those that ONNX Runtime has computed: to 1e-4 of the largest value.
     *
     * @param expected the rows, one after another
     */
    static void requireEqual(String what, float[][] rows, float[] expected) {
        int size = expected.length / rows.length;
        double largest = 0;
        for (float value : expected) {
            largest = Math.max(largest, Math.abs(value));
        }
        for (int row = 0; row < rows.length; row++) {
            assertThat(rows[row]).as(what).hasSize(size);
            double dot = 0;
            double squares = 0;
            double expectedSquares = 0;
            for (int i = 0; i < size; i++) {
                double found = rows[row][i];
                double wanted = expected[row * size + i];
                assertThat(Math.abs(found - wanted))
                        .as("%s, value %d of row %d", what, i, row)
                        .isLessThan(1e-4 * largest);
                dot += found * wanted;
                squares += found * found;
                expectedSquares += wanted * wanted;
            }
            assertThat(dot / Math.sqrt(squares * expectedSquares))
                    .as("%s, cosine of row %d", what, row)
                    .isGreaterThan(1 - 1e-7);
        }
    }
}
