package org.facerecognition.inference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.bytedeco.dnnl.global.dnnl;
import org.bytedeco.dnnl.memory.data_type;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.facerecognition.data.Normalization;
import org.facerecognition.graph.Constant;
import org.facerecognition.graph.Graph;
import org.facerecognition.graph.Operation.Activation;
import org.facerecognition.graph.Operation.Add;
import org.facerecognition.graph.Operation.Convolution;
import org.facerecognition.graph.Operation.Flatten;
import org.facerecognition.graph.Operation.GlobalAveragePool;
import org.facerecognition.graph.Operation.PRelu;
import org.facerecognition.graph.Operation.Pointwise;
import org.facerecognition.graph.Value;
import org.facerecognition.graph.Window;
import org.facerecognition.inference.OneDnnPlan.Step;
import org.facerecognition.natives.OpenMp;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Convolutions by Winograd's tiles and of unfolded images, against their definition in double precision. */
class OneDnnConvolutionTest {
    private static final String SMALL_TILES = new WinogradTiles(2).toString();
    private static final String LARGE_TILES = new WinogradTiles(4).toString();

    /** What follows the convolution. */
    private enum Then {
        NOTHING,
        RELU,
        PRELU
    }

    /** What is added to the convolution. */
    private enum Addend {
        NOTHING,
        KEPT,
        OVERWRITTEN
    }

    private static Stream<Arguments> layers() {
        Window same = Window.of(1, 1);
        return Stream.of(
                Arguments.of(LARGE_TILES, new long[] {64, 12, 12}, new long[] {64, 3, 3}, same),
                Arguments.of(LARGE_TILES, new long[] {64, 13, 18}, new long[] {80, 3, 3}, same),
                Arguments.of(LARGE_TILES, new long[] {96, 19, 14}, new long[] {64, 3, 3}, same),
                Arguments.of(SMALL_TILES, new long[] {128, 13, 14}, new long[] {144, 3, 3}, same),
                Arguments.of(OneDnnUnfolding.NAME, new long[] {128, 5, 6}, new long[] {128, 3, 3}, same),
                Arguments.of(OneDnnUnfolding.NAME, new long[] {64, 7, 7}, new long[] {136, 3, 3}, Window.of(2, 1)),
                Arguments.of(OneDnnUnfolding.NAME, new long[] {64, 9, 6}, new long[] {64, 5, 3}, Window.of(1, 0)),
                Arguments.of(OneDnnUnfolding.NAME, new long[] {64, 7, 7}, new long[] {128, 2, 2}, Window.of(3, 0)),
                Arguments.of(
                        OneDnnUnfolding.NAME,
                        new long[] {128, 6, 6},
                        new long[] {64, 3, 3},
                        new Window(1, 2, 2, 1, 0, 2, 3, 1)));
    }

    @ParameterizedTest
    @MethodSource("layers")
    void areThatOfTheDefinition(String way, long[] from, long[] kernel, Window window) {
        Case plain = new Case(way, from, kernel, window, Then.NOTHING, Addend.NOTHING);
        double[][] sums = plain.sums();
        // what is verified, without what follows the convolution, before it is used
        boolean sameBits = Arrays.deepEquals(plain.run(4, 1), plain.run(1, 1));
        for (Then then : Then.values()) {
            for (Addend addend : Addend.values()) {
                Case one = new Case(way, from, kernel, window, then, addend);
                float[][] results = one.run(1, 1);
                assertThat(error(results, one.definition(sums)))
                        .as("%s, %s, %s", one, then, addend)
                        .isLessThan(4e-6);
                float[][] together = one.run(4, 1);
                assertThat(error(together, results)).isLessThan(1e-6);
                if (sameBits) {
                    assertThat(together).as("%s, %s, %s", one, then, addend).isDeepEqualTo(results);
                }
                // in parts: whole networks are verified
                assertThat(error(one.run(1, 2), results)).isLessThan(1e-6);
                assertThat(error(one.run(1, 4), results)).isLessThan(1e-6);
            }
        }
    }

    /** Returns the largest difference relative to the largest value. */
    private static double error(float[][] results, float[][] expected) {
        double difference = 0;
        double largest = 0;
        for (int image = 0; image < expected.length; image++) {
            for (int i = 0; i < expected[image].length; i++) {
                difference = Math.max(difference, Math.abs(results[image][i] - expected[image][i]));
                largest = Math.max(largest, Math.abs(expected[image][i]));
            }
        }
        return difference / largest;
    }

    /** Paddings must be zero again although other layers have used their memory. */
    @Test
    void doNotDependOnWhatWasInTheirMemory() {
        Case one = new Case(
                LARGE_TILES,
                new long[] {64, 13, 18},
                new long[] {64, 3, 3},
                Window.of(1, 1),
                Then.RELU,
                Addend.OVERWRITTEN);
        try (Running running = one.running(1, 1)) {
            float[][] first = running.results();
            assertThat(running.results()).isDeepEqualTo(first);
        }
    }

    /** Between such windows there are pixels that none of them reads, but not after the last one. */
    @ParameterizedTest
    @CsvSource({"2, 2, 3, 5", "3, 2, 3, 5", "2, 3, 3, 5", "1, 2, 2, 3", "2, 2, 3, 7"})
    void kernelsMayBeShorterThanTheirStride(int height, int width, int stride, int sizePx) {
        float[] first = Case.random(1, 64 * 3);
        float[] weight = Case.random(2, 128L * 64 * height * width);
        byte[] pixels = new byte[3 * sizePx * sizePx];
        new Random(3).nextBytes(pixels);
        InputImages images = new InputImages.Pixels(List.of(pixels), Normalization.SYMMETRIC.table(), sizePx, false);
        try (Graph graph = Graph.of((net, image) -> {
                    Value x =
                            net.add(new Convolution(Constant.of(first, 64, 3, 1, 1), null, Window.of(1, 0), 1), image);
                    Constant weights = Constant.of(weight, 128, 64, height, width);
                    x = net.add(new Convolution(weights, null, Window.of(stride, 0), 1), x);
                    return net.add(new Flatten(), x);
                });
                PreparedNet net = PreparedNet.onCpu(graph, 8, sizePx, ScalarType.Float);
                PreparedNet reference = PreparedNet.withoutOneDnn(graph, 8, sizePx, ScalarType.Float)) {
            assertThat(error(net.embed(images), reference.embed(images))).isLessThan(1e-5);
        }
    }

    /** oneDNN's products of tiles give wrong sums where a dilated convolution's result is one column wide. */
    @Test
    void dilatedConvolutionsToOneColumnAreRight() {
        int tiles = dnnl.cpu_isa.avx512_core_amx.value;
        assumeThat(dnnl.dnnl_get_effective_cpu_isa() & tiles)
                .as("the processor has products of tiles (AMX)")
                .isEqualTo(tiles);
        int sizePx = 5;
        float[][] table = Normalization.SYMMETRIC.table();
        Random random = new Random(3);
        List<byte[]> pixels = new ArrayList<>();
        for (int i = 0; i < 16; i++) {
            byte[] image = new byte[3 * sizePx * sizePx];
            random.nextBytes(image);
            pixels.add(image);
        }
        float[] first = Case.random(1, 48 * 3);
        float[] weight = Case.random(2, 40 * 48 * 2 * 4);
        Window toOneColumn = new Window(1, 3, 1, 2, 0, 0, 1, 3);
        try (Graph graph = Graph.of((net, image) -> {
                    Value x = net.add(new Convolution(Constant.of(first, 48, 3, 1, 1), null, 1, 0, 1), image);
                    x = net.add(new Convolution(Constant.of(weight, 40, 48, 2, 4), null, toOneColumn, 1), x);
                    return net.add(new Flatten(), x);
                });
                PreparedNet full = PreparedNet.onCpu(graph, 8, sizePx, ScalarType.Float);
                PreparedNet half = PreparedNet.onCpu(graph, 8, sizePx, ScalarType.BFloat16)) {
            assertThat(Cosines.min(half.embed(pixels, table, false), full.embed(pixels, table, false)))
                    .isGreaterThan(0.999);
            assertThat(Int8Calibration.of(graph, pixels, table, sizePx, false, List.of())
                            .minCosine())
                    .isGreaterThan(0.99);
        }
    }

    /** A trial only asks for what is faster: it must not make a network unusable. */
    @Test
    void aTrialThatFailsIsNoReason(@TempDir Path folder) {
        Constant weight = Constant.of(new float[64 * 64 * 9], 64, 64, 3, 3);
        Convolution c = new Convolution(weight, null, Window.of(1, 1), 1);
        long[] from = {1, 64, 28, 28};
        long[] impossible = {1, 64, 99, 28};
        try (OpenMp.Scope alone = OpenMp.alone()) {
            OneDnnAutotuner autotuner = new OneDnnAutotuner(new KernelChoices(folder.resolve("kernels.properties")));
            assertThat(autotuner.prefers(LARGE_TILES, c, from, impossible)).isFalse();
        }
    }

    @Test
    void theDecisionIsRemembered(@TempDir Path folder) {
        Path file = folder.resolve("kernels.properties");
        Convolution c = new Convolution(Constant.of(new float[64 * 64 * 9], 64, 64, 3, 3), null, Window.of(1, 1), 1);
        long[] shape = {1, 64, 28, 28};
        try (OpenMp.Scope alone = OpenMp.alone()) {
            KernelChoices choices = new KernelChoices(file);
            boolean measured = new OneDnnAutotuner(choices).prefers(LARGE_TILES, c, shape, shape);
            choices.save();
            assertThat(new KernelChoices(file).known(OneDnnAutotuner.layer(LARGE_TILES, c, shape)))
                    .contains(measured ? "yes" : "no");
            assertThat(new OneDnnAutotuner(choices).prefers(LARGE_TILES, c, shape, shape))
                    .isEqualTo(measured);
        }
    }

    /** A layer with random weights on random images. */
    private record Case(String way, long[] from, long[] kernel, Window window, Then then, Addend addend) {
        private static final int IMAGES = 4;

        @Override
        public String toString() {
            return way + " of " + List.of(from[0], from[1], from[2]) + " by " + window;
        }

        private long[] to() {
            long height = (from[1] + window.top() + window.bottom() - window.spanY(kernel[1])) / window.strideY() + 1;
            long width = (from[2] + window.left() + window.right() - window.spanX(kernel[2])) / window.strideX() + 1;
            return new long[] {kernel[0], height, width};
        }

        private static float[] random(int seed, long count) {
            Random random = new Random(seed);
            float[] values = new float[Math.toIntExact(count)];
            for (int i = 0; i < values.length; i++) {
                values[i] = (float) random.nextGaussian();
            }
            return values;
        }

        private float[] weight() {
            return random(1, kernel[0] * from[0] * kernel[1] * kernel[2]);
        }

        private float[] bias() {
            return random(2, kernel[0]);
        }

        private float[] image(int number) {
            return random(10 + number, Shapes.size(from));
        }

        private float slope() {
            return -0.3f;
        }

        private @Nullable Pointwise pointwise() {
            return switch (then) {
                case NOTHING -> null;
                case RELU -> Activation.RELU;
                case PRELU -> new PRelu(Constant.of(new float[] {slope()}, 1));
            };
        }

        /** The image, a copy of it, the layer's addend (an ordinary convolution), the layer. */
        Running running(int count, int parts) {
            Convolution c = new Convolution(
                    Constant.of(weight(), kernel[0], from[0], kernel[1], kernel[2]),
                    Constant.of(bias(), kernel[0]),
                    window,
                    1);
            List<FusedNode> nodes = new ArrayList<>();
            nodes.add(new FusedNode(Activation.RELU, null, List.of(0), FusedNode.NONE, 1, List.of()));
            long[] to = to();
            int added = FusedNode.NONE;
            if (addend != Addend.NOTHING) {
                added = 2;
                nodes.add(new FusedNode(first(), null, List.of(0), FusedNode.NONE, 2, List.of(0)));
            }
            List<Integer> dead = addend == Addend.OVERWRITTEN ? List.of(1, 2) : List.of(1);
            nodes.add(new FusedNode(c, pointwise(), List.of(1), added, 3, dead));
            OneDnnAutotuner autotuner =
                    new OneDnnAutotuner(OneDnnAutotuner.layer(way, c, new long[] {count, to[0], to[1], to[2]}));
            return new Running(this, nodes, new long[][] {from, from, to, to}, count, parts, autotuner);
        }

        /** A convolution that takes one value of the image for each of its results, in the same window. */
        private Convolution first() {
            float[] weight = new float[Math.toIntExact(kernel[0] * from[0] * kernel[1] * kernel[2])];
            for (int out = 0; out < kernel[0]; out++) {
                weight[Math.toIntExact((out * from[0] + out % from[0]) * kernel[1] * kernel[2])] = 1;
            }
            return new Convolution(Constant.of(weight, kernel[0], from[0], kernel[1], kernel[2]), null, window, 1);
        }

        float[][] run(int count, int parts) {
            try (Running running = running(count, parts)) {
                return running.results();
            }
        }

        /** Returns the convolutions of all images with the bias. */
        double[][] sums() {
            double[][] sums = new double[IMAGES][];
            for (int image = 0; image < IMAGES; image++) {
                sums[image] = sums(image(image));
            }
            return sums;
        }

        private double[] sums(float[] image) {
            float[] weight = weight();
            float[] bias = bias();
            long[] to = to();
            double[] sums = new double[Math.toIntExact(Shapes.size(to))];
            for (int i = 0; i < sums.length; i++) {
                int out = (int) (i / (to[1] * to[2]));
                sums[i] = bias[out];
                int next = (int) (out * from[0] * kernel[1] * kernel[2]);
                for (int in = 0; in < from[0]; in++) {
                    for (int ky = 0; ky < kernel[1]; ky++) {
                        for (int kx = 0; kx < kernel[2]; kx++) {
                            sums[i] += weight[next++] * Math.max(0, at(image, in, i, ky, kx));
                        }
                    }
                }
            }
            return sums;
        }

        float[][] definition(double[][] sums) {
            float[][] results = new float[IMAGES][];
            for (int image = 0; image < IMAGES; image++) {
                float[] pixels = image(image);
                float[] result = new float[sums[image].length];
                for (int i = 0; i < result.length; i++) {
                    int out = (int) (i / (to()[1] * to()[2]));
                    double sum = sums[image][i]
                            + (addend == Addend.NOTHING ? 0 : at(pixels, (int) (out % from[0]), i, 0, 0));
                    boolean changed = sum < 0 && then != Then.NOTHING;
                    result[i] = (float) (changed ? sum * (then == Then.RELU ? 0 : slope()) : sum);
                }
                results[image] = result;
            }
            return results;
        }

        /** Returns a value of the image in the window of a result. */
        private double at(float[] image, int channel, int result, int kernelY, int kernelX) {
            long[] to = to();
            long row = result % (to[1] * to[2]) / to[2] * window.strideY()
                    - window.top()
                    + (long) kernelY * window.dilationY();
            long column = result % to[2] * window.strideX() - window.left() + (long) kernelX * window.dilationX();
            boolean inside = row >= 0 && row < from[1] && column >= 0 && column < from[2];
            return inside ? image[(int) ((channel * from[1] + row) * from[2] + column)] : 0;
        }
    }

    /** A network of a case. */
    private static final class Running implements AutoCloseable {
        private final Case of;
        private final OneDnnWeights weights = new OneDnnWeights();
        private final OneDnnPlan plan;
        private final OneDnnWorkspace workspace;
        private final OpenMp.Scope alone = OpenMp.alone();

        Running(Case of, List<FusedNode> nodes, long[][] shapes, int count, int parts, OneDnnAutotuner autotuner) {
            this.of = of;
            this.plan = new OneDnnPlan(nodes, shapes, count, parts, data_type.f32, null, weights, autotuner);
            assertThat(plan.layers().get(nodes.size() - 1).stream().flatMap(Step::calls))
                    .hasSizeGreaterThan(4);
            this.workspace = new OneDnnWorkspace(plan);
        }

        float[][] results() {
            InputImages images = new InputImages() {
                @Override
                public int count() {
                    return Case.IMAGES;
                }

                @Override
                public int sizePx() {
                    throw new UnsupportedOperationException();
                }

                @Override
                public void read(int index, float[] values) {
                    System.arraycopy(of.image(index), 0, values, 0, values.length);
                }
            };
            float[][] results = new float[Case.IMAGES][];
            for (int i = 0; i < results.length; i += plan.count()) {
                workspace.run(images, i, results, new double[0]);
            }
            return results;
        }

        @Override
        public void close() {
            workspace.close();
            plan.close();
            weights.close();
            alone.close();
        }
    }

    /**
     * A sum is written over its addend. If its layout decided over the sum's, and what follows a convolution over the
     * convolution's, the layers of a stage would alternate between two layouts.
     */
    @Test
    void layersOfAStageHaveOneLayout() {
        try (PointerScope scope = new PointerScope();
                Graph graph = Graph.of((net, image) -> {
                    Value x = net.add(Activation.RELU, net.add(convolution(64, 3), image));
                    for (int i = 0; i < 3; i++) {
                        Value first = net.add(Activation.RELU, net.add(convolution(64, 64), x));
                        x = net.add(Activation.RELU, net.add(new Add(), net.add(convolution(64, 64), first), x));
                    }
                    return net.add(new Flatten(), net.add(new GlobalAveragePool(), x));
                });
                FusedLayers layers = FusedLayers.of(graph, 1, 28, 28);
                OneDnnWeights weights = new OneDnnWeights();
                OneDnnPlan plan = OneDnnPoolingTest.plan(layers, 1, weights)) {
            List<Integer> steps =
                    plan.layers().stream().skip(1).limit(6).map(List::size).toList();
            assertThat(steps).as("of the convolutions").containsOnly(1);
        }
    }

    private static Convolution convolution(int out, int in) {
        return new Convolution(Constant.of(new float[out * in * 9], new long[] {out, in, 3, 3}), null, 1, 1, 1);
    }
}
