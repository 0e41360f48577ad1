package org.facerecognition.inference;

import java.util.Arrays;
import java.util.List;
import org.bytedeco.dnnl.memory.data_type;
import org.bytedeco.javacpp.PointerScope;
import org.facerecognition.graph.Constant;
import org.facerecognition.graph.Operation.Activation;
import org.facerecognition.graph.Operation.Convolution;

/**
 * Finds out whether another way to compute a convolution than oneDNN's own takes less time on this machine, for images
 * that come alone and for those that come together, and gives an image the same bits in a batch of any size: networks
 * of this layer alone compute random images.
 */
final class OneDnnTrial {
    private static final int MIN_TRIALS = 4; // the first is slow because code and data are not in the caches yet
    private static final int MAX_TRIALS = 20;
    private static final int SETTLED = 3; // trials in a row that are not faster than the fastest
    private static final double SHORTER = 0.97; // is a shorter time
    private static final double MAX_RATIO = 0.9; // of the times: within a network, the other way reads more memory

    private final String layer;
    private final Convolution convolution;
    private final long[] from; // [C, H, W]
    private final long[] to;
    private final int together; // images that do not come alone
    private final InputImages inputs = new RandomImages();

    /**
     * Draws weights and images.
     *
     * @param layer the key of the decision
     * @param c without groups; its weights are not read
     * @param from [B, C, H, W] of the input
     * @param to [B, C, H, W] of the result
     */
    OneDnnTrial(String layer, Convolution c, long[] from, long[] to) {
        long[] shape = c.weight().shape();
        this.layer = layer;
        this.convolution = new Convolution(
                Constant.of(fill(new float[Math.toIntExact(c.weight().count())], 0), shape), null, c.window(), 1);
        this.from = Arrays.copyOfRange(from, 1, 4);
        this.to = Arrays.copyOfRange(to, 1, 4);
        this.together = OneDnnAutotuner.together(Shapes.size(this.from) + Shapes.size(this.to));
    }

    /** Writes numbers from -0.5 to 0.5 that look random; java.util.Random takes as long as the trial for many. */
    private static float[] fill(float[] values, int seed) {
        int state = seed;
        for (int i = 0; i < values.length; i++) {
            state = state * 1_664_525 + 1_013_904_223; // Knuth's linear congruential generator
            values[i] = (state >> 8) / (float) (1 << 24);
        }
        return values;
    }

    boolean isFaster() {
        try (PointerScope scope = new PointerScope();
                OneDnnWeights ofDirect = new OneDnnWeights();
                OneDnnWeights ofOther = new OneDnnWeights();
                Layer direct = new Layer(ofDirect, false, 1);
                Layer other = new Layer(ofOther, true, 1);
                Layer directTogether = new Layer(ofDirect, false, together);
                Layer otherTogether = new Layer(ofOther, true, together)) {
            double[] alone = fastest(direct, other);
            double[] several = fastest(directTogether, otherTogether);
            double directSeconds = alone[0] + several[0] / together;
            double otherSeconds = alone[1] + several[1] / together;
            return otherSeconds < MAX_RATIO * directSeconds && hasSameBits(other, ofOther);
        }
    }

    /** Returns the shortest times of two layers that run by turns, until neither becomes shorter. */
    private static double[] fastest(Layer... layers) {
        double[] fastest = {Double.POSITIVE_INFINITY, Double.POSITIVE_INFINITY};
        int settled = 0;
        for (int trial = 0; trial < MAX_TRIALS && (trial < MIN_TRIALS || settled < SETTLED); trial++) {
            boolean shorter = false;
            for (int i = 0; i < layers.length; i++) {
                double seconds = layers[i].seconds();
                shorter |= seconds < SHORTER * fastest[i];
                fastest[i] = Math.min(fastest[i], seconds);
            }
            settled = shorter ? 0 : settled + 1;
        }
        return fastest;
    }

    private boolean hasSameBits(Layer alone, OneDnnWeights weights) {
        for (int count = 2; count <= together; count *= 2) {
            try (Layer several = new Layer(weights, true, count)) {
                float[][] results = several.results(1);
                for (int i = 1; i <= count; i++) {
                    if (!Arrays.equals(results[i], alone.results(i)[i])) {
                        return false;
                    }
                }
            }
        }
        return true;
    }

    /** A network of one convolution. */
    private final class Layer implements AutoCloseable {
        private final OneDnnPlan plan;
        private final OneDnnWorkspace workspace;

        Layer(OneDnnWeights weights, boolean otherWay, int count) {
            FusedNode before = new FusedNode(Activation.RELU, null, List.of(0), FusedNode.NONE, 1, List.of(0));
            FusedNode node = new FusedNode(convolution, null, List.of(1), FusedNode.NONE, 2, List.of(1));
            this.plan = new OneDnnPlan(
                    List.of(before, node), // the images that a network takes have a fixed layout
                    new long[][] {from, from, to},
                    count,
                    1,
                    data_type.f32,
                    null,
                    weights,
                    new OneDnnAutotuner(otherWay ? layer : ""));
            this.workspace = new OneDnnWorkspace(plan);
        }

        double seconds() {
            double[] seconds = new double[2];
            workspace.run(inputs, 0, new float[1 + together][], seconds);
            return seconds[1];
        }

        /** Returns the results of as many images as the plan is for, each in its image's place. */
        float[][] results(int first) {
            float[][] results = new float[1 + together][];
            workspace.run(inputs, first, results, new double[0]);
            return results;
        }

        @Override
        public void close() {
            workspace.close();
            plan.close();
        }
    }

    /** The random images. */
    private final class RandomImages implements InputImages {
        @Override
        public int count() {
            return 1 + together;
        }

        @Override
        public int sizePx() {
            return Math.toIntExact(from[2]);
        }

        @Override
        public void read(int index, float[] values) {
            fill(values, 1 + index);
        }
    }
}
