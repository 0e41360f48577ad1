package org.facerecognition.inference;

import java.util.LinkedHashMap;
import java.util.Map;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.facerecognition.graph.Graph;
import org.facerecognition.graph.Operation.L2Normalize;
import org.facerecognition.natives.Libtorch;
import org.facerecognition.natives.TensorRows;

/** Runs a graph in each engine, for tests of other packages. */
public final class EngineRuns {
    private EngineRuns() {}

    /**
     * Returns the results by engine: those of oneDNN, unless the graph has an L2 normalization, and of libtorch.
     *
     * @param images [B, 3, S, S]
     */
    public static Map<String, float[][]> all(Graph graph, float[] images, int sizePx) {
        Libtorch.load();
        Map<String, float[][]> results = new LinkedHashMap<>();
        try (PointerScope scope = new PointerScope();
                PreparedNet oneDnn = PreparedNet.of(graph, 4, sizePx, ScalarType.Float, new Device("cpu"));
                PreparedNet aten = PreparedNet.withoutOneDnn(graph, 4, sizePx, ScalarType.Float)) {
            boolean normalizes = graph.nodes().stream().anyMatch(node -> node.operation() instanceof L2Normalize);
            if (!normalizes && !oneDnn.engine().equals("oneDNN")) {
                throw new AssertionError("oneDNN does not run the graph");
            }
            Tensor batch = Tensor.create(images, images.length / (3 * sizePx * sizePx), 3, sizePx, sizePx);
            results.put(oneDnn.engine(), TensorRows.of(oneDnn.forward(batch)));
            results.put("libtorch", TensorRows.of(aten.forward(batch)));
        }
        return results;
    }

    /**
     * Returns the results of a model that ONNX Runtime runs, by engine.
     *
     * @param images [B, 3, S, S]
     */
    public static Map<String, float[][]> onnxRuntime(OnnxRuntimeModel model, float[] images, int sizePx) {
        Libtorch.load();
        try (PointerScope scope = new PointerScope();
                PreparedNet net = PreparedNet.of(model, 4, sizePx)) {
            Tensor batch = Tensor.create(images, images.length / (3 * sizePx * sizePx), 3, sizePx, sizePx);
            return Map.of(net.engine(), TensorRows.of(net.forward(batch)));
        }
    }
}
