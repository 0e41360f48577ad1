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

/** Where a prepared net's time goes, like layers together. */
final class Layers {
    private static final int ROUNDS = 21;
    private static final double MIN_SHARE = 0.01; // of the whole; less is told in one line

    private Layers() {}

    /** Times the layers of a net for some batches and prints a table of each. */
    static void run(Net net, List<Integer> batches, PrintStream out) {
        double peak = MatmulPeak.gigaflops(data_type.f32);
        int most = batches.stream().mapToInt(Integer::intValue).max().orElseThrow();
        try (Graph graph = net.recognizer().encoder().graph();
                PreparedNet prepared = PreparedNet.of(graph, most, Net.SIZE_PX, ScalarType.Float, new Device("cpu"));
                PointerScope scope = new PointerScope()) {
            for (int batch : batches) {
                List<LayerCost> costs = prepared.profile(torch.randn(batch, 3, Net.SIZE_PX, Net.SIZE_PX), ROUNDS);
                print(net.id(), costs, peak, out);
            }
        }
    }

    private static void print(String id, List<LayerCost> costs, double peak, PrintStream out) {
        Map<String, List<LayerCost>> alike = new LinkedHashMap<>();
        costs.forEach(cost ->
                alike.computeIfAbsent(cost.layer(), layer -> new ArrayList<>()).add(cost));
        double all = seconds(costs);
        out.printf("%n| %s, prepared, fp32: layers | of them | ms | share | GFLOP/s | over the matmul peak |%n", id);
        out.println("|---|---|---|---|---|---|");
        List<LayerCost> small = new ArrayList<>();
        alike.forEach((layer, some) -> {
            if (seconds(some) < MIN_SHARE * all) {
                small.addAll(some);
            } else {
                row(layer, some, all, peak, out);
            }
        });
        if (!small.isEmpty()) {
            row("others, each kind below a hundredth", small, all, peak, out);
        }
        row("all", costs, all, peak, out);
    }

    private static void row(String name, List<LayerCost> some, double all, double peak, PrintStream out) {
        double seconds = seconds(some);
        double speed = some.stream().mapToLong(LayerCost::operations).sum() / seconds / 1e9;
        out.printf(
                "| %s | %d | %.2f | %.3f | %.1f | %.2f |%n",
                name, some.size(), seconds * 1e3, seconds / all, speed, speed / peak);
    }

    private static double seconds(List<LayerCost> costs) {
        return costs.stream().mapToDouble(LayerCost::seconds).sum();
    }
}
