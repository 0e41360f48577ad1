package org.facerecognition.inference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;
import static org.facerecognition.inference.CalmNets.SIZE_PX;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BiFunction;
import java.util.stream.Stream;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.opencv.global.opencv_core;
import org.bytedeco.opencv.opencv_core.Mat;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TypeMeta;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.MemoryFormat;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.facerecognition.Races;
import org.facerecognition.backbone.Backbone;
import org.facerecognition.backbone.Encoder;
import org.facerecognition.backbone.EncodersToTest;
import org.facerecognition.data.BatchBuffer;
import org.facerecognition.data.Normalization;
import org.facerecognition.graph.Constant;
import org.facerecognition.graph.Graph;
import org.facerecognition.graph.GraphBuilder;
import org.facerecognition.graph.Operation.BatchNorm;
import org.facerecognition.graph.Operation.Convolution;
import org.facerecognition.graph.Operation.Flatten;
import org.facerecognition.graph.Operation.GlobalAveragePool;
import org.facerecognition.graph.Operation.L2Normalize;
import org.facerecognition.graph.Operation.Linear;
import org.facerecognition.graph.Operation.PRelu;
import org.facerecognition.graph.Operation.Unflatten;
import org.facerecognition.graph.Value;
import org.facerecognition.natives.TensorRows;
import org.facerecognition.weights.NamedTensors;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

class PreparedNetTest {
    private static final Device CPU = new Device("cpu");

    private static PreparedNet prepared(Backbone net, int batchSize) {
        try (Graph graph = net.graph()) {
            return PreparedNet.of(graph, batchSize, SIZE_PX, ScalarType.Float, CPU);
        }
    }

    /** Returns the largest absolute difference relative to the largest absolute value. */
    private static double difference(Tensor a, Tensor b) {
        return a.sub(b).abs().max().item_double() / b.abs().max().item_double();
    }

    @ParameterizedTest
    @EncodersToTest
    void computesWhatTheNetworkComputes(Encoder encoder) {
        try (Backbone net = CalmNets.make(encoder, 24);
                PreparedNet fused = prepared(net, 4);
                Graph graph = net.graph();
                PreparedNet aten = PreparedNet.withoutOneDnn(graph, 4, SIZE_PX, ScalarType.Float);
                PointerScope scope = new PointerScope();
                NoGradGuard noGrad = new NoGradGuard()) {
            for (int count : new int[] {1, 4, 5}) { // a single image, a full batch, two chunks
                Tensor images = torch.randn(count, 3, SIZE_PX, SIZE_PX);
                Tensor expected = net.forward(images);
                assertThat(expected.std().item_double()).isPositive();
                assertThat(difference(fused.forward(images), expected)).isLessThan(1e-4);
                assertThat(difference(aten.forward(images), expected)).isLessThan(1e-4);
            }
        }
    }

    @ParameterizedTest
    @CsvSource({
        "RESNET18, 32",
        "RESNET50, 32",
        "IRESNET18, 32",
        "MOBILEFACENET, 32",
        "EFFICIENTNET_B0, 32",
        "RESNET18, 112",
        "IRESNET18, 112",
        "MOBILEFACENET, 112"
    })
    void embeddingIsTheSameBitForBitInAnyBatch(Encoder encoder, int sizePx) {
        try (Backbone net = CalmNets.make(encoder, 24, sizePx);
                Graph graph = net.graph();
                PreparedNet prepared = PreparedNet.of(graph, 16, sizePx, ScalarType.Float, CPU);
                PointerScope scope = new PointerScope()) {
            Tensor images = torch.randn(21, 3, sizePx, sizePx);
            Tensor together = prepared.forward(images);
            for (int count = 1; count <= 16; count += sizePx == SIZE_PX ? 1 : 5) {
                Tensor fewer = prepared.forward(images.narrow(0, 2, count));
                assertThat(fewer.equal(together.narrow(0, 2, count)))
                        .as("batch of " + count)
                        .isTrue();
            }
        }
    }

    /** The layers of an image that is alone are cut into parts, which helpers take at any time. */
    @ParameterizedTest
    @CsvSource({"RESNET18, 2", "IRESNET18, 3", "MOBILEFACENET, 2", "MOBILEFACENET, 8", "EFFICIENTNET_B0, 4"})
    void embeddingIsTheSameBitForBitWithAnyNumberOfThreads(Encoder encoder, int threads) {
        try (Backbone net = CalmNets.make(encoder, 24, 112);
                Graph graph = net.graph();
                PreparedNet one = PreparedNet.of(graph, 4, 112, ScalarType.Float, new ComputeThreads(1));
                PreparedNet several = PreparedNet.of(graph, 4, 112, ScalarType.Float, new ComputeThreads(threads));
                PointerScope scope = new PointerScope()) {
            Tensor images = torch.randn(7, 3, 112, 112);
            float[][] expected = TensorRows.of(one.forward(images));
            assertThat(TensorRows.of(several.forward(images))).isDeepEqualTo(expected);
            for (int round = 0; round < 3; round++) {
                for (int i = 0; i < expected.length; i++) {
                    assertThat(values(several, images.narrow(0, i, 1))).isEqualTo(expected[i]);
                }
            }
        }
    }

    /** Finite weights whose products are too large: no cosine says how close half precision is. */
    @Test
    void embeddingsThatAreNotFiniteAreRefusedByATrial() {
        float[] values = new float[4 * 3];
        Arrays.fill(values, 3e38f);
        try (Graph graph = Graph.of((net, image) -> net.add(
                new Flatten(), net.add(new Convolution(Constant.of(values, 4, 3, 1, 1), null, 1, 0, 1), image)))) {
            byte[] white = new byte[3 * 4 * 4];
            Arrays.fill(white, (byte) 255);
            PrecisionTrial trial = new PrecisionTrial(
                    new PrepareOptions(PrepareOptions.Arithmetic.HALF, 1, 0.99),
                    null,
                    "",
                    null,
                    4,
                    () -> List.of(white),
                    Normalization.IMAGENET.table());
            assertThatThrownBy(() -> trial.prepare(graph))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("the network's embeddings of faces contain NaN or infinity; its training has diverged,"
                            + " so use an earlier file");
        }
    }

    /** The root of a negative sum of variance and epsilon is NaN, which an activation may turn into zero. */
    @ParameterizedTest
    @EnumSource(
            value = PrepareOptions.Arithmetic.class,
            names = {"AUTO", "FP32", "HALF"})
    void variancesThatAreNegativeAreRefused(PrepareOptions.Arithmetic arithmetic) {
        Constant ones = Constant.of(new float[] {1, 1, 1}, 3);
        BatchNorm norm = new BatchNorm(ones, Constant.of(new float[] {1, -1, 1}, 3), ones, ones, 1e-5);
        try (Graph graph = Graph.of(
                (net, image) -> net.flatten(net.globalAveragePool(net.relu(net.add(norm, net.relu(image))))))) {
            PrecisionTrial trial = new PrecisionTrial(
                    new PrepareOptions(arithmetic, 1, 0.99),
                    null,
                    "",
                    null,
                    4,
                    () -> List.of(new byte[3 * 4 * 4]),
                    Normalization.IMAGENET.table());
            assertThatThrownBy(() -> trial.prepare(graph))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("a variance and the epsilon of a batch normalization must have a positive sum, but had "
                            + (-1 + 1e-5) + "; its training has diverged, so use an earlier file");
        }
    }

    /** Folding took for granted that they fit. */
    @ParameterizedTest
    @MethodSource("normsThatDoNotFit")
    void normalizationsThatDoNotFitTheirLayerAreRefused(BiFunction<GraphBuilder, Value, Value> net) {
        try (Graph graph = Graph.of(net)) {
            assertThatThrownBy(() -> PreparedNet.of(graph, 1, 4, ScalarType.Float, CPU))
                    .isInstanceOf(UnsupportedOperationException.class)
                    .hasMessageContaining("BatchNorm was given");
        }
    }

    private static Stream<Named<BiFunction<GraphBuilder, Value, Value>>> normsThatDoNotFit() {
        Constant four = Constant.of(new float[] {1, 1, 1, 1}, 4);
        BatchNorm ofFour = new BatchNorm(four, four, four, four, 1e-5);
        Constant two = Constant.of(new float[] {1, 1}, 2);
        Convolution three =
                new Convolution(Constant.of(new float[9], 3, 3, 1, 1), Constant.of(new float[3], 3), 1, 0, 1);
        Convolution ofEight = new Convolution(Constant.of(new float[24], 8, 3, 1, 1), null, 1, 0, 1);
        return Stream.of(
                Named.of(
                        "more channels than the convolution with a bias",
                        (net, x) -> net.flatten(net.globalAveragePool(net.add(ofFour, net.add(three, x))))),
                Named.of(
                        "fewer channels than the convolution",
                        (net, x) -> net.flatten(net.globalAveragePool(net.add(ofFour, net.add(ofEight, x))))),
                Named.of(
                        "a divisor of the columns",
                        (net, x) -> net.add(
                                new Linear(Constant.of(new float[16], 2, 8), null),
                                net.add(
                                        new BatchNorm(two, two, two, two, 1e-5),
                                        net.flatten(net.globalAveragePool(net.add(ofEight, x)))))));
    }

    /** Images for the comparison of precisions may need more memory than there is. */
    @Test
    void anErrorOfATrialFreesBothNetworks() {
        try (Backbone net = CalmNets.make(Encoder.MOBILEFACENET, 16);
                Graph graph = net.graph()) {
            PrepareOptions half = new PrepareOptions(PrepareOptions.Arithmetic.HALF, 1, 0.99);
            PrecisionTrial trial = new PrecisionTrial(
                    half,
                    null,
                    "",
                    null,
                    SIZE_PX,
                    () -> {
                        throw new OutOfMemoryError("as if");
                    },
                    Normalization.IMAGENET.table());
            assertThatThrownBy(() -> trial.prepare(graph)).hasMessage("as if"); // loads what is loaded once
            long before = Pointer.totalCount();
            assertThatThrownBy(() -> trial.prepare(graph)).hasMessage("as if");
            assertThat(Pointer.totalCount()).isLessThan(before + 20); // a network has hundreds
        }
    }

    /** Else every process would measure again, only to find that half precision is too far away. */
    @ParameterizedTest
    @CsvSource({"AUTO, 0.9999999999, float32: bfloat16", "HALF, 0.9, bfloat16: minimum cosine"})
    void choicesOfAPrecisionAreKeptWhateverTheyAre(
            PrepareOptions.Arithmetic arithmetic, double minCosine, String reason) {
        assumeThat(PreparedNet.isFast(ScalarType.Float) && PreparedNet.isFast(ScalarType.BFloat16))
                .isTrue();
        String model = "test " + UUID.randomUUID();
        int[] asked = {0};
        try (Backbone net = CalmNets.make(Encoder.MOBILEFACENET, 16);
                Graph graph = net.graph()) {
            byte[] face = new byte[3 * SIZE_PX * SIZE_PX];
            new Random(1).nextBytes(face);
            PrecisionTrial trial = new PrecisionTrial(
                    new PrepareOptions(arithmetic, 1, minCosine),
                    null,
                    model,
                    null,
                    SIZE_PX,
                    () -> {
                        asked[0]++;
                        return List.of(face);
                    },
                    Normalization.IMAGENET.table());
            String first = prepared(trial, graph);
            assertThat(first).startsWith(reason);
            assertThat(prepared(trial, graph)).isEqualTo(first);
            assertThat(asked[0]).as("comparisons").isOne();
        }
    }

    private static String prepared(PrecisionTrial trial, Graph graph) {
        PrecisionTrial.Result result = trial.prepare(graph);
        result.net().close();
        return result.reason();
    }

    @Test
    void pixelsAndTensorsGiveTheSameBits() {
        float[][] table = Normalization.IMAGENET.table();
        List<byte[]> pixels = new ArrayList<>();
        Random random = new Random(3);
        try (Backbone net = CalmNets.make(Encoder.MOBILEFACENET, 16);
                PreparedNet prepared = prepared(net, 4);
                BatchBuffer buffer = new BatchBuffer(5, SIZE_PX, Normalization.IMAGENET, CPU, true);
                PointerScope scope = new PointerScope()) {
            assumeThat(prepared.takesPixels()).isTrue();
            for (int i = 0; i < 5; i++) {
                byte[] image = new byte[3 * SIZE_PX * SIZE_PX];
                random.nextBytes(image);
                pixels.add(image);
                buffer.put(i, new Mat(SIZE_PX, SIZE_PX, opencv_core.CV_8UC3, new BytePointer(image)), 0);
            }
            Tensor images = buffer.images(5);
            assertThat(prepared.embed(pixels, table, false)).isDeepEqualTo(TensorRows.of(prepared.forward(images)));
            Tensor sum = prepared.forward(images).add(prepared.forward(torch.flip(images, 3)));
            assertThat(prepared.embed(pixels, table, true)).isDeepEqualTo(TensorRows.of(sum));
            assertThat(prepared.embed(List.of(), table, true)).isEmpty();
            assertThatThrownBy(() -> prepared.embed(List.of(new byte[12]), table, false))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("an image must have 3072 values, [32, 32, 3], but had 12");
        }
    }

    /** Combinations that no encoder of the library has; c is a convolution that keeps the shape. */
    static Stream<Arguments> blocks() {
        return Stream.of(
                block("sum of a convolution and its input", (g, x, c) -> g.silu(g.plus(g.add(c, x), x))),
                block("PReLU after a sum of a convolution and its input", (g, x, c) -> {
                    Value first = g.relu(g.add(c, x));
                    return g.add(slopes(c), g.plus(g.add(c, first), first));
                }),
                block("PReLU with one slope", (g, x, c) -> g.add(new PRelu(Constant.of(torch.ones(1))), g.add(c, x))),
                block("sum with two uses", (g, x, c) -> {
                    Value first = g.relu(g.add(c, x));
                    Value sum = g.plus(g.add(c, first), first);
                    return g.plus(g.add(c, sum), first);
                }),
                block("sum without a convolution", (g, x, c) -> {
                    Value first = g.add(c, x);
                    return g.plus(g.sigmoid(first), g.silu(first));
                }),
                block("activations without a convolution", (g, x, c) -> g.relu(g.silu(x))),
                block("sum with rows that are needed again", (g, x, c) -> {
                    Value rows = g.flatten(g.globalAveragePool(g.add(c, x)));
                    Value pixel = g.add(new Unflatten(), rows);
                    Value sum = g.plus(g.add(c, g.globalAveragePool(x)), pixel);
                    return g.add(new Unflatten(), g.plus(g.flatten(sum), rows));
                }),
                block("scale by its own means", (g, x, c) -> {
                    Value out = g.add(c, x);
                    return g.scale(out, g.sigmoid(g.globalAveragePool(out)));
                }));
    }

    private interface Block {
        Value of(GraphBuilder g, Value x, Convolution convolution);
    }

    private static Arguments block(String name, Block block) {
        return Arguments.of(Named.of(name, block));
    }

    private static PRelu slopes(Convolution convolution) {
        return new PRelu(Constant.of(torch.randn(convolution.weight().size(0))));
    }

    private static Convolution convolution(long from, long to) {
        Tensor weight = torch.randn(to, from, 3, 3).mul(new Scalar(1 / Math.sqrt(9.0 * from)));
        return new Convolution(Constant.of(weight), Constant.of(torch.randn(to)), 1, 1, 1);
    }

    /** Runs each block on the images, and on 64 channels, where oneDNN needs no reorders between layers. */
    @ParameterizedTest
    @MethodSource("blocks")
    void unusualBlocksMatchLibtorch(Block block) {
        try (PointerScope scope = new PointerScope();
                NoGradGuard noGrad = new NoGradGuard()) {
            torch.manual_seed(5);
            Convolution wide = convolution(64, 64);
            Convolution stem = convolution(3, 64);
            Convolution narrow = convolution(3, 3);
            assertMatchesLibtorch((g, x) -> g.flatten(block.of(g, x, narrow)));
            assertMatchesLibtorch((g, x) -> g.flatten(block.of(g, g.relu(g.add(stem, x)), wide)));
        }
    }

    /** The values of such layers are in the memory of the images. */
    @Test
    void rowsOfTheImagesMatchLibtorch() {
        try (PointerScope scope = new PointerScope();
                NoGradGuard noGrad = new NoGradGuard()) {
            torch.manual_seed(6);
            Linear linear =
                    new Linear(Constant.of(torch.randn(8, 3 * SIZE_PX * SIZE_PX).div(new Scalar(100.0))), null);
            assertMatchesLibtorch((g, x) -> g.add(linear, g.flatten(x)));
            assertMatchesLibtorch((g, x) -> g.add(linear, g.flatten(g.add(new Unflatten(), g.flatten(x)))));
        }
    }

    /** As in models of others, whose embeddings are not the last value. */
    @Test
    void lengthsAreNormalizedInHalfPrecision() {
        try (PointerScope scope = new PointerScope();
                NoGradGuard noGrad = new NoGradGuard()) {
            torch.manual_seed(7);
            Convolution stem = convolution(3, 8);
            Linear linear = new Linear(Constant.of(torch.randn(8, 8)), null);
            try (Graph graph = Graph.of((g, x) -> {
                        Value rows = g.flatten(g.add(new GlobalAveragePool(), g.add(stem, x)));
                        return g.add(linear, g.add(new L2Normalize(), rows));
                    });
                    PreparedNet half = PreparedNet.withoutOneDnn(graph, 4, SIZE_PX, ScalarType.BFloat16);
                    PreparedNet full = PreparedNet.withoutOneDnn(graph, 4, SIZE_PX, ScalarType.Float)) {
                Tensor images = torch.randn(5, 3, SIZE_PX, SIZE_PX);
                assertThat(difference(half.forward(images), full.forward(images)))
                        .isLessThan(0.1);
            }
        }
    }

    private static void assertMatchesLibtorch(BiFunction<GraphBuilder, Value, Value> description) {
        try (Graph graph = Graph.of(description);
                PreparedNet fused = PreparedNet.of(graph, 4, SIZE_PX, ScalarType.Float, CPU);
                PreparedNet aten = PreparedNet.withoutOneDnn(graph, 4, SIZE_PX, ScalarType.Float)) {
            Tensor images = torch.randn(5, 3, SIZE_PX, SIZE_PX);
            assertThat(difference(fused.forward(images), aten.forward(images))).isLessThan(1e-5);
        }
    }

    /** Each chunk's values used to stay until the whole batch was done: 3.2 GB here. */
    @Test
    void memoryOfLibtorchsOperatorsDoesNotGrowWithTheBatch() throws InterruptedException {
        int sizePx = 112;
        try (Backbone net = CalmNets.make(Encoder.MOBILEFACENET, 24, sizePx);
                Graph graph = net.graph();
                PreparedNet aten = PreparedNet.withoutOneDnn(graph, 4, sizePx, ScalarType.Float);
                PointerScope scope = new PointerScope()) {
            Tensor images = torch.zeros(256, 3, sizePx, sizePx);
            aten.forward(images.narrow(0, 0, 8)).close();
            AtomicLong peak = new AtomicLong();
            AtomicBoolean done = new AtomicBoolean();
            Thread watch = new Thread(() -> {
                while (!done.get()) {
                    peak.accumulateAndGet(Pointer.physicalBytes(), Math::max);
                }
            });
            long before = Pointer.physicalBytes();
            watch.start();
            aten.forward(images).close();
            done.set(true);
            watch.join();
            assertThat((peak.get() - before) >> 20).as("MiB").isLessThan(200);
        }
    }

    @Test
    void allocatesMemoryOnce() {
        try (Backbone net = CalmNets.make(Encoder.RESNET18, 8);
                Graph graph = net.graph();
                PreparedNet prepared = PreparedNet.of(graph, 4, SIZE_PX, ScalarType.Float, new ComputeThreads(1));
                PointerScope scope = new PointerScope()) {
            Tensor images = torch.randn(7, 3, SIZE_PX, SIZE_PX);
            prepared.forward(images).close();
            prepared.forward(images.narrow(0, 0, 3)).close(); // the plan of the rest of a batch
            long objects = Pointer.totalCount();
            long workspaceBytes = prepared.workspaceBytes();
            long bytes = Pointer.physicalBytes();
            for (int i = 0; i < 50; i++) {
                prepared.forward(images).close();
            }
            assertThat(Pointer.totalCount() - objects).isLessThan(10);
            assertThat(prepared.workspaceBytes()).isEqualTo(workspaceBytes);
            assertThat((Pointer.physicalBytes() - bytes) >> 10).as("KiB").isLessThan(10 * workspaceBytes >> 10);
        }
    }

    /** A value and its rows are two tensors with the same memory. */
    @Test
    void libtorchsOperatorsKeepNoTensor() {
        try (Backbone net = CalmNets.make(Encoder.IRESNET18, 8);
                Graph graph = net.graph();
                PreparedNet aten = PreparedNet.withoutOneDnn(graph, 4, SIZE_PX, ScalarType.Float);
                PointerScope scope = new PointerScope()) {
            Tensor images = torch.randn(4, 3, SIZE_PX, SIZE_PX);
            aten.forward(images).close();
            long objects = Pointer.totalCount();
            for (int i = 0; i < 30; i++) {
                aten.forward(images).close();
            }
            assertThat(Pointer.totalCount() - objects).isLessThan(10);
        }
    }

    @Test
    void halfPrecisionIsCloseToFloat32() {
        assumeThat(PreparedNet.isFast(ScalarType.BFloat16))
                .as("oneDNN supports bfloat16 on this processor")
                .isTrue();
        for (Encoder encoder : new Encoder[] {Encoder.RESNET18, Encoder.MOBILEFACENET, Encoder.EFFICIENTNET_B0}) {
            try (Backbone net = CalmNets.make(encoder, 24);
                    Graph graph = net.graph();
                    PreparedNet half = PreparedNet.of(graph, 4, SIZE_PX, ScalarType.BFloat16, CPU);
                    PointerScope scope = new PointerScope();
                    NoGradGuard noGrad = new NoGradGuard()) {
                Tensor images = torch.randn(5, 3, SIZE_PX, SIZE_PX);
                Tensor cosine = torch.normalize(half.forward(images))
                        .mul(torch.normalize(net.forward(images)))
                        .sum(1);
                assertThat(cosine.min().item_double()).as("%s", encoder).isGreaterThan(0.995);
            }
        }
    }

    @Test
    void doesNotChangeWithTheNetwork() {
        try (Backbone net = CalmNets.make(Encoder.RESNET18, 8);
                PreparedNet prepared = prepared(net, 2);
                PointerScope scope = new PointerScope();
                NoGradGuard noGrad = new NoGradGuard()) {
            Tensor images = torch.randn(2, 3, SIZE_PX, SIZE_PX);
            Tensor before = prepared.forward(images);
            NamedTensors.parameters(net).values().forEach(tensor -> tensor.mul_(new Scalar(2.0)));
            assertThat(prepared.forward(images).equal(before)).isTrue();
        }
    }

    @Test
    void doesNotChangeTheImages() {
        try (Backbone net = CalmNets.make(Encoder.RESNET18, 8);
                PreparedNet prepared = prepared(net, 2);
                PointerScope scope = new PointerScope()) {
            Tensor images = torch.randn(2, 3, SIZE_PX, SIZE_PX).contiguous(MemoryFormat.ChannelsLast);
            Tensor copy = images.clone();
            prepared.forward(images);
            assertThat(images.equal(copy)).isTrue();
        }
    }

    /** A type that a tensor returns is another object than the constant. */
    @Test
    void takesTheTypeOfATensor() {
        try (Backbone net = CalmNets.make(Encoder.RESNET18, 8);
                Graph graph = net.graph();
                Tensor weight = torch.ones(1);
                PreparedNet constant = PreparedNet.onCpu(graph, 1, SIZE_PX, ScalarType.Float);
                PreparedNet same = PreparedNet.onCpu(graph, 1, SIZE_PX, weight.scalar_type())) {
            assertThat(same.engine()).isEqualTo(constant.engine());
            assertThat(PreparedNet.isFast(weight.scalar_type())).isEqualTo(PreparedNet.isFast(ScalarType.Float));
        }
    }

    @Test
    void hasFloatsWhateverTheDefaultTypeIs() {
        try (Backbone net = CalmNets.make(Encoder.RESNET18, 8);
                PreparedNet prepared = prepared(net, 2);
                PointerScope scope = new PointerScope()) {
            Tensor images = torch.randn(2, 3, SIZE_PX, SIZE_PX);
            Tensor expected = prepared.forward(images);
            TypeMeta usual = torch.get_default_dtype();
            torch.set_default_dtype(torch.scalarTypeToTypeMeta(ScalarType.Double));
            try {
                assertThat(difference(prepared.forward(images), expected)).isZero();
            } finally {
                torch.set_default_dtype(usual);
            }
        }
    }

    @Test
    void profilesItsLayers() {
        try (Backbone net = CalmNets.make(Encoder.RESNET18, 8);
                PreparedNet prepared = prepared(net, 2);
                PointerScope scope = new PointerScope()) {
            List<LayerCost> costs = prepared.profile(torch.randn(3, 3, SIZE_PX, SIZE_PX), 2);
            assertThat(costs.get(0).layer()).isEqualTo("convolution [64, 3, 7, 7], stride 2, RELU to [2, 64, 16, 16]");
            assertThat(costs.get(0).operations()).isEqualTo(2L * 64 * 3 * 7 * 7 * 2 * 16 * 16);
            assertThat(costs.get(costs.size() - 1).layer()).isEqualTo("linear [8, 512] to [2, 8]");
            assertThat(costs.get(costs.size() - 1).operations()).isEqualTo(2L * 8 * 512 * 2);
            assertThat(costs).allSatisfy(cost -> assertThat(cost.seconds()).isPositive());
        }
    }

    @Test
    void runsLargeValuesInChunks() {
        int sizePx = 224; // the first layer's value has 3 MB per image
        try (Backbone net = CalmNets.make(Encoder.RESNET18, 8, sizePx);
                Graph graph = net.graph();
                PreparedNet prepared = PreparedNet.of(graph, 8, sizePx, ScalarType.Float, CPU);
                PointerScope scope = new PointerScope();
                NoGradGuard noGrad = new NoGradGuard()) {
            Tensor images = torch.randn(7, 3, sizePx, sizePx); // 16 MB hold five: batches of 8 run in two chunks of 4
            assertThat(prepared.profile(images, 1).get(0).layer()).endsWith("to [4, 64, 112, 112]");
            assertThat(difference(prepared.forward(images), net.forward(images)))
                    .isLessThan(1e-4);
            assertThat(prepared.batchSize()).isEqualTo(8);
        }
    }

    @Test
    void rejectsImagesOfAnotherSize() {
        try (Backbone net = CalmNets.make(Encoder.RESNET18, 8);
                PreparedNet prepared = prepared(net, 2);
                PointerScope scope = new PointerScope()) {
            assertThatThrownBy(() -> prepared.forward(torch.randn(2, 3, 64, 64)))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage(
                            "images must be [B, 3, 32, 32], for which the net was prepared, but were [2, 3, 64, 64]");
            assertThatThrownBy(() -> prepared.forward(torch.randn(3, SIZE_PX, SIZE_PX)))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageEndingWith("but were [3, 32, 32]");
            assertThatThrownBy(() -> prepared.profile(torch.randn(2, 3, 64, 64), 1))
                    .hasMessageEndingWith("but were [2, 3, 64, 64]");
            assertThatThrownBy(() -> prepared.profile(torch.randn(2, 3, SIZE_PX, SIZE_PX), 0))
                    .hasMessage("rounds must be at least 1, but was 0");
            assertThatThrownBy(() -> prepared.profile(torch.randn(0, 3, SIZE_PX, SIZE_PX), 1))
                    .hasMessage("there must be at least one image to measure, but there was none");
        }
    }

    /** In an earlier version, workspaces grew with the number of concurrent threads and were kept. */
    @Test
    void workspacesAreBoundedByTheNumberOfProcessors() throws Exception {
        int threads = 64;
        int processors = Runtime.getRuntime().availableProcessors();
        ExecutorService pool = Executors.newFixedThreadPool(threads);
        try (Backbone net = CalmNets.make(Encoder.MOBILEFACENET, 16);
                Graph graph = net.graph();
                PreparedNet prepared =
                        PreparedNet.of(graph, 1, SIZE_PX, ScalarType.Float, new ComputeThreads(processors));
                PointerScope scope = new PointerScope()) {
            assumeThat(OneDnn.available(ScalarType.Float)).isTrue();
            Tensor image = torch.randn(1, 3, SIZE_PX, SIZE_PX);
            float[] alone = values(prepared, image);
            assertThat(values(prepared, image)).isEqualTo(alone); // the second one makes the plan in parts
            int most = 2 * processors; // of each plan for one image, whole and in parts
            long bytesAtFirst = prepared.workspaceBytes();
            assertThat(prepared.workspaces()).isBetween(1, 2);
            CyclicBarrier start = new CyclicBarrier(threads);
            List<Future<float[]>> results = new ArrayList<>();
            for (int i = 0; i < threads; i++) {
                results.add(pool.submit(() -> {
                    start.await();
                    for (int round = 0; round < 5; round++) {
                        assertThat(values(prepared, image)).isEqualTo(alone);
                    }
                    return values(prepared, image);
                }));
            }
            for (Future<float[]> one : results) {
                assertThat(one.get()).isEqualTo(alone);
            }
            assertThat(prepared.workspaces()).isBetween(1, most);
            assertThat(prepared.workspaceBytes()).isBetween(bytesAtFirst, most * bytesAtFirst);
        } finally {
            pool.shutdownNow();
        }
    }

    /** Their images pass through the network together. */
    @Test
    void callersThatWaitForAProcessorGetTheirOwnEmbeddings() throws Exception {
        int callers = 9;
        ComputeThreads threads = new ComputeThreads(1);
        List<Thread> started = new ArrayList<>();
        ExecutorService pool = Executors.newFixedThreadPool(callers + 1, task -> {
            Thread thread = new Thread(task);
            started.add(thread);
            return thread;
        });
        try (Backbone net = CalmNets.make(Encoder.MOBILEFACENET, 16);
                Graph graph = net.graph();
                PreparedNet prepared = PreparedNet.of(graph, 8, SIZE_PX, ScalarType.Float, threads);
                PointerScope scope = new PointerScope()) {
            assumeThat(OneDnn.available(ScalarType.Float)).isTrue();
            List<Tensor> images = new ArrayList<>();
            List<float[]> expected = new ArrayList<>();
            for (int i = 0; i < callers; i++) {
                images.add(torch.randn(1 + i % 2, 3, SIZE_PX, SIZE_PX)); // one image or two
                expected.add(values(prepared, images.get(i)));
            }
            long bytesOfOneAndTwo = prepared.workspaceBytes();
            CountDownLatch begun = new CountDownLatch(1);
            CountDownLatch end = new CountDownLatch(1);
            Future<?> blocker = pool.submit(() -> threads.run(() -> new ComputeThreads.Work() {
                @Override
                public int usefulHelpers() {
                    return 0;
                }

                @Override
                public void lead(Runnable callHelpers) {
                    begun.countDown();
                    ComputeThreads.uninterruptibly(end);
                }

                @Override
                public void help() {}
            }));
            begun.await();
            List<Future<float[]>> results = new ArrayList<>();
            for (Tensor image : images) {
                results.add(pool.submit(() -> values(prepared, image)));
            }
            while (started.stream().anyMatch(thread -> thread.getState() != Thread.State.WAITING)) {
                Thread.sleep(1);
            }
            end.countDown();
            blocker.get();
            for (int i = 0; i < callers; i++) {
                assertThat(results.get(i).get()).isEqualTo(expected.get(i));
            }
            assertThat(prepared.workspaceBytes()).isGreaterThan(bytesOfOneAndTwo);
        } finally {
            pool.shutdownNow();
        }
    }

    private static float[] values(PreparedNet net, Tensor images) {
        try (Tensor embeddings = net.forward(images);
                FloatPointer pointer = embeddings.data_ptr_float()) {
            float[] values = new float[(int) embeddings.numel()];
            pointer.get(values);
            return values;
        }
    }

    @Test
    void canBeClosedWhileOtherThreadsUseIt() throws Exception {
        try (Backbone net = CalmNets.make(Encoder.MOBILEFACENET, 16);
                PointerScope scope = new PointerScope()) {
            Tensor image = torch.randn(1, 3, SIZE_PX, SIZE_PX);
            Races.closedWhileUsed(
                    5, () -> prepared(net, 1), prepared -> values(prepared, image), "prepared net is closed");
        }
    }

    @Test
    void rejectsUseAfterClose() {
        try (Backbone net = CalmNets.make(Encoder.RESNET18, 8);
                PointerScope scope = new PointerScope()) {
            PreparedNet prepared = prepared(net, 2);
            prepared.close();
            prepared.close(); // has no effect
            assertThatThrownBy(() -> prepared.forward(torch.randn(2, 3, SIZE_PX, SIZE_PX)))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessage("prepared net is closed");
        }
    }
}
