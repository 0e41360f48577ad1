package org.facerecognition.inference;

import java.nio.DoubleBuffer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.LongStream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.MemoryFormat;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.facerecognition.graph.Graph;
import org.facerecognition.graph.Node;

/**
 * Measures the mean and the variance of each channel between the layers of a network, over images. Batches are joined
 * in float64 by the formula of Chan, Golub and LeVeque, "Updating formulae and a pairwise algorithm for computing
 * sample variances", 1979.
 */
public final class ChannelStatistics implements AutoCloseable {
    private final List<Node> nodes;
    private final List<AtenKernels.Kernel> kernels = new ArrayList<>(); // of all nodes but the first
    private final int[] lastUse;
    private final Map<Integer, Moments> moments = new LinkedHashMap<>();
    private final Device device;
    private final PointerScope weights = new PointerScope();

    /** The mean and the variance of the channels of one value. */
    public static final class Moments {
        private double[] mean = new double[0];
        private double[] squares = new double[0]; // of differences from the mean, summed
        private double count; // of values per channel

        /** Returns the mean of each channel. */
        public float[] mean() {
            float[] floats = new float[mean.length];
            for (int i = 0; i < floats.length; i++) {
                floats[i] = (float) mean[i];
            }
            return floats;
        }

        /** Returns the variance of each channel over all values: the mean square of differences from the mean. */
        public float[] variance() {
            float[] floats = new float[mean.length];
            for (int i = 0; i < floats.length; i++) {
                floats[i] = (float) (squares[i] / count);
            }
            return floats;
        }

        /** @param values [B, C, ...] */
        private void join(Tensor values) {
            long[] others =
                    LongStream.range(0, values.dim()).filter(d -> d != 1).toArray();
            var batch = torch.var_mean(values.to(ScalarType.Float), others, false); // variance, mean
            double[] variances = doubles(batch.get0());
            double[] means = doubles(batch.get1());
            double added = (double) values.numel() / means.length;
            if (count == 0) {
                mean = new double[means.length];
                squares = new double[means.length];
            }
            double all = count + added;
            for (int i = 0; i < means.length; i++) {
                double difference = means[i] - mean[i];
                mean[i] += difference * added / all;
                squares[i] += variances[i] * added + difference * difference * count * added / all;
            }
            count = all;
        }

        private static double[] doubles(Tensor tensor) {
            Tensor onCpu = tensor.to(new Device("cpu"), ScalarType.Double).contiguous();
            double[] values = new double[Math.toIntExact(onCpu.numel())];
            onCpu.<DoubleBuffer>createBuffer().get(values);
            return values;
        }
    }

    /**
     * Runs a network and returns what it finds.
     *
     * @param graph borrowed
     * @param measured the nodes whose first inputs are measured; nothing is run if there are none
     * @param batches [B, 3, H, W] each, as the graph takes them; borrowed
     * @param device where to compute; borrowed
     * @return the moments by node
     */
    public static Map<Integer, Moments> measure(
            Graph graph, Set<Integer> measured, List<Tensor> batches, Device device) {
        if (measured.isEmpty()) {
            return Map.of();
        }
        try (ChannelStatistics statistics = new ChannelStatistics(graph, measured, device)) {
            batches.forEach(statistics::add);
            return Map.copyOf(statistics.moments);
        }
    }

    /** Copies the weights. */
    private ChannelStatistics(Graph graph, Set<Integer> measured, Device device) {
        this.nodes = graph.nodes();
        this.lastUse = new int[nodes.size()];
        measured.forEach(node -> moments.put(node, new Moments()));
        try (weights) {
            this.device = new Device(device.type(), device.index());
            AtenKernels factory = new AtenKernels(weights, this.device, ScalarType.Float);
            for (int i = 1; i < nodes.size(); i++) {
                kernels.add(nodes.get(i).operation().accept(factory));
                int user = i;
                nodes.get(i).inputs().forEach(value -> lastUse[value.node()] = user);
            }
            weights.extend(); // survives the end of this block; close() frees it
        }
    }

    /** Runs the network, as far as values are measured, and adds what it finds. */
    private void add(Tensor images) {
        try (PointerScope scope = new PointerScope();
                NoGradGuard noGrad = new NoGradGuard()) {
            Tensor[] values = new Tensor[nodes.size()];
            values[0] = images.to(device, ScalarType.Float).contiguous(MemoryFormat.ChannelsLast);
            int left = moments.size();
            for (int i = 1; i < values.length && left > 0; i++) {
                List<Integer> inputs = nodes.get(i).inputs().stream()
                        .map(value -> value.node())
                        .toList();
                Moments measured = moments.get(i);
                if (measured != null) {
                    measured.join(values[inputs.get(0)]);
                    left--;
                }
                Tensor[] given = inputs.stream().map(input -> values[input]).toArray(Tensor[]::new);
                values[i] = kernels.get(i - 1).run(given, null);
                for (int input : inputs) {
                    if (lastUse[input] == i) {
                        values[input].close();
                    }
                }
            }
        }
    }

    @Override
    public void close() {
        weights.close();
    }
}
