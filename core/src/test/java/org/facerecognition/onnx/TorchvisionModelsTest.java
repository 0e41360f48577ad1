package org.facerecognition.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.facerecognition.graph.Graph;
import org.facerecognition.inference.EngineRuns;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * torchvision's networks as its exporter writes them, against ONNX Runtime in Python. {@code -Dpython=...} names a
 * Python with torch, torchvision and onnxruntime; without one, the test is skipped.
 */
class TorchvisionModelsTest {
    private static final String PYTHON = System.getProperty("python", "/usr/bin/python3");
    private static final int SIZE_PX = 64;

    /** Networks with operations that this library does not cover; ONNX Runtime runs them. */
    private static final Set<String> UNCOVERED = Set.of("convnext", "vit");

    @TempDir
    private Path folder;

    @Test
    void computesWhatOnnxRuntimeComputesOrNamesTheNode() throws Exception {
        assumeTrue(hasTorchvision(), PYTHON + " has no torch, torchvision and onnxruntime; give another by -Dpython=");
        List<String> names = export();
        assertThat(names).hasSize(14).containsAll(UNCOVERED);
        for (String name : names) {
            InputContract contract = InputContract.parse("RGB mean=0 std=1");
            try (OnnxModel model = OnnxModel.open(folder.resolve(name + ".onnx"), contract)) {
                Optional<Graph> graph = model.graph();
                assertThat(model.uncovered().orElse("")).as(name).matches(UNCOVERED.contains(name) ? ".*node .+" : "");
                if (graph.isPresent()) {
                    compare(name, graph.get());
                }
            }
        }
    }

    private void compare(String name, Graph graph) throws IOException {
        float[] expected = ExportedNetworksTest.floats(folder.resolve(name + ".out"));
        float[] images = ExportedNetworksTest.floats(folder.resolve(name + ".in"));
        EngineRuns.all(graph, images, SIZE_PX)
                .forEach((engine, rows) -> ExportedNetworksTest.requireEqual(name + " in " + engine, rows, expected));
    }

    private List<String> export() throws Exception {
        Path script = folder.resolve("export.py");
        try (InputStream in = TorchvisionModelsTest.class.getResourceAsStream("torchvision_models.py")) {
            Files.copy(in, script);
        }
        Path names = folder.resolve("names.txt");
        Path errors = folder.resolve("errors.txt");
        int code = new ProcessBuilder(PYTHON, script.toString(), folder.toString())
                .redirectOutput(names.toFile())
                .redirectError(errors.toFile())
                .start()
                .waitFor();
        assertThat(code).as(Files.readString(errors)).isZero();
        return Files.readAllLines(names);
    }

    private static boolean hasTorchvision() throws InterruptedException {
        try {
            return new ProcessBuilder(PYTHON, "-c", "import torch, torchvision, onnxruntime")
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
