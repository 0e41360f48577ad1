package org.facerecognition.export;

import static org.assertj.core.api.Assertions.assertThat;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.Map;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.IValue;
import org.bytedeco.pytorch.IValueVector;
import org.bytedeco.pytorch.JitModule;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.facerecognition.graph.Graph;
import org.facerecognition.graph.Operation.Upsample;
import org.facerecognition.natives.Libtorch;
import org.facerecognition.natives.TensorRows;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The repetition of pixels, which no encoder has, but networks in ONNX files. */
class UpsampleExportTest {
    private static final int SIZE_PX = 5;
    private static final int FACTOR = 3;
    private static final int LENGTH = 3 * FACTOR * SIZE_PX * FACTOR * SIZE_PX;

    @TempDir
    private Path folder;

    @Test
    void exportsRepeatEveryPixel() throws OrtException {
        Libtorch.load();
        float[] image = new float[3 * SIZE_PX * SIZE_PX];
        for (int i = 0; i < image.length; i++) {
            image[i] = i;
        }
        float[] expected = new float[LENGTH];
        for (int i = 0; i < LENGTH; i++) {
            int side = FACTOR * SIZE_PX;
            int x = i % side / FACTOR;
            int y = i / side % side / FACTOR;
            expected[i] = image[i / (side * side) * SIZE_PX * SIZE_PX + y * SIZE_PX + x];
        }
        Path onnx = folder.resolve("net.onnx");
        Path script = folder.resolve("net.pt");
        try (Graph graph = Graph.of((builder, images) -> builder.flatten(builder.add(new Upsample(FACTOR), images)))) {
            OnnxFile.write(onnx, graph, SIZE_PX, LENGTH, Map.of());
            TorchScriptFile.write(script, graph, SIZE_PX, Map.of());
        }
        assertThat(onnxRuntime(onnx, image)).containsExactly(expected);
        try (PointerScope scope = new PointerScope()) {
            JitModule module = torch.load(script.toString());
            Tensor images = Tensor.create(image, 1, 3, SIZE_PX, SIZE_PX);
            Tensor rows = module.forward(new IValueVector(new IValue(images))).toTensor();
            assertThat(TensorRows.of(rows)[0]).containsExactly(expected);
        }
    }

    private static float[] onnxRuntime(Path file, float[] image) throws OrtException {
        OrtEnvironment environment = OrtEnvironment.getEnvironment();
        long[] shape = {1, 3, SIZE_PX, SIZE_PX};
        try (OrtSession session = environment.createSession(file.toString());
                OnnxTensor input = OnnxTensor.createTensor(environment, FloatBuffer.wrap(image), shape);
                OrtSession.Result result = session.run(Map.of("images", input))) {
            return ((float[][]) result.get(0).getValue())[0];
        }
    }
}
