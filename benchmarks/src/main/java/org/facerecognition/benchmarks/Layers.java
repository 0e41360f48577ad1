package org.facerecognition.benchmarks;

import java.io.PrintStream;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.dnnl.memory.data_type;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.facerecognition.graph.Graph;
import org.facerecognition.inference.LayerCost;
import org.facerecognition.inference.PreparedNet;

/** Reports the time that each kind of layer takes in a prepared network. */
final class Layers {
    private static final int ROUNDS = 21;
    private static final double MIN_SHARE = 0.01; // of the total; kinds of layers below it share one row

    private Layers() {}

    /** Times the layers of a network at several batch sizes and prints one table for each. */
    static void run(Net net, List<Integer> batches, PrintStream out) {
        double peak = MatmulPeak.gigaflops(data_type.f32);
        int maxBatch = batches.stream().mapToInt(Integer::intValue).max().orElseThrow();
        try (Graph graph = net.recognizer().encoder().graph();
                PreparedNet prepared =
                        PreparedNet.of(graph, maxBatch, Net.SIZE_PX, ScalarType.Float, new Device("cpu"));
                PointerScope scope = new PointerScope()) {
            for (int batch : batches) {
                List<LayerCost> costs = prepared.profile(torch.randn(batch, 3, Net.SIZE_PX, Net.SIZE_PX), ROUNDS);
                print(net.id(), costs, peak, out);
            }
        }
    }

    private static void print(String id, List<LayerCost> costs, double peak, PrintStream out) {
        Map<String, List<LayerCost>> byLayer = new LinkedHashMap<>();
        costs.forEach(cost -> byLayer.computeIfAbsent(cost.layer(), layer -> new ArrayList<>())
                .add(cost));
        double total = seconds(costs);
        out.printf(
                "%n| %s, prepared, fp32: layer | count | ms | fraction | GFLOP/s | fraction of the matmul peak |%n",
                id);
        out.println("|---|---|---|---|---|---|");
        List<LayerCost> small = new ArrayList<>();
        byLayer.forEach((layer, sameLayer) -> {
            if (seconds(sameLayer) < MIN_SHARE * total) {
                small.addAll(sameLayer);
            } else {
                row(layer, sameLayer, total, peak, out);
            }
        });
        if (!small.isEmpty()) {
            row("others, each kind below 0.01", small, total, peak, out);
        }
        row("total", costs, total, peak, out);
    }

    private static void row(String name, List<LayerCost> costs, double total, double peak, PrintStream out) {
        double seconds = seconds(costs);
        double speed = costs.stream().mapToLong(LayerCost::operations).sum() / seconds / 1e9;
        out.printf(
                "| %s | %d | %.2f | %.3f | %.1f | %.2f |%n",
                name, costs.size(), seconds * 1e3, seconds / total, speed, speed / peak);
    }

    private static double seconds(List<LayerCost> costs) {
        return costs.stream().mapToDouble(LayerCost::seconds).sum();
    }
}
