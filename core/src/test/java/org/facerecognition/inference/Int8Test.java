package org.facerecognition.inference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.opencv.opencv_core.Mat;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.facerecognition.backbone.Backbone;
import org.facerecognition.backbone.Encoder;
import org.facerecognition.data.ImageReader;
import org.facerecognition.data.Normalization;
import org.facerecognition.graph.Constant;
import org.facerecognition.graph.Graph;
import org.facerecognition.graph.Operation.Convolution;
import org.facerecognition.inference.Int8Ranges.Range;
import org.facerecognition.natives.Libtorch;
import org.facerecognition.synthetic.SyntheticFaces;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Convolutions of 8-bit integers: against sums of integers in Java, and against float32. */
class Int8Test {
    private static final float[][] TABLE = Normalization.SYMMETRIC.table();
    private static final int CHANNELS = 16;

    @BeforeAll
    static void loadNatives() {
        Libtorch.load();
    }

    private static List<byte[]> faces(int count, int sizePx) {
        List<byte[]> faces = new ArrayList<>();
        SyntheticFaces people = new SyntheticFaces(0, sizePx);
        for (int i = 0; i < count; i++) {
            try (Mat face = people.image(i / 2, i % 2)) {
                faces.add(ImageReader.pixels(face));
            }
        }
        return faces;
    }

    // --- one convolution, whose result is known exactly ---

    /** Images of some values each, [3, S, S]. */
    private record Values(float[] values, int sizePx) implements InputImages {
        @Override
        public int count() {
            return 1;
        }

        @Override
        public void read(int index, float[] target) {
            System.arraycopy(values, 0, target, 0, values.length);
        }
    }

    /**
     * Returns a random integer as the weights of the second convolution; the first of each output channel is the
     * largest, so that the scale is a power of two.
     */
    private static float[] weights(Random random, int largest, float scale, int... shape) {
        float[] weights = new float[Arrays.stream(shape).reduce(1, (a, b) -> a * b)];
        for (int i = 0; i < weights.length; i++) {
            int integer = i % (weights.length / shape[0]) == 0 ? largest : random.nextInt(2 * largest + 1) - largest;
            weights[i] = integer * scale;
        }
        return weights;
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 3})
    void aConvolutionIsTheSumOfProductsOfIntegers(int kernel) {
        int sizePx = 5;
        int out = 8;
        float scale = 1f / 64; // of values
        float weightScale = 1f / 32;
        int largest = OneDnn.multipliesBytes() ? 127 : 63;
        Random random = new Random(4);
        float[] image = new float[3 * sizePx * sizePx];
        for (int i = 0; i < image.length; i++) {
            image[i] = (random.nextInt(41) - 20) / 8f;
        }
        float[] spread = new float[CHANNELS * 3]; // a convolution of one pixel: each channel is one of the colors
        for (int channel = 0; channel < CHANNELS; channel++) {
            spread[3 * channel + channel % 3] = channel % 2 == 0 ? 1 : -0.5f;
        }
        float[] weights = weights(random, largest, weightScale, out, CHANNELS, kernel, kernel);
        float[] bias = new float[out];
        for (int i = 0; i < out; i++) {
            bias[i] = random.nextFloat() - 0.5f;
        }
        try (Graph graph = Graph.of((g, x) -> g.flatten(g.globalAveragePool(g.add(
                        new Convolution(
                                Constant.of(weights, out, CHANNELS, kernel, kernel),
                                Constant.of(bias, out),
                                1,
                                kernel / 2,
                                1),
                        g.relu(g.add(new Convolution(Constant.of(spread, CHANNELS, 3, 1, 1), null, 1, 0, 1), x))))));
                PreparedNet net = PreparedNet.int8(
                        graph, 1, sizePx, ranges(graph, sizePx, Map.of(1, new Range(255 * scale, false))))) {
            float[] actual = net.embed(new Values(image, sizePx))[0];
            for (int channel = 0; channel < out; channel++) {
                double sum = 0;
                for (int y = 0; y < sizePx; y++) {
                    for (int x = 0; x < sizePx; x++) {
                        sum += bias[channel]
                                + scale
                                        * weightScale
                                        * integerSum(image, spread, weights, channel, y, x, kernel, sizePx);
                    }
                }
                assertThat((double) actual[channel])
                        .isCloseTo(sum / (sizePx * sizePx), within(1e-4 * Math.abs(sum) / (sizePx * sizePx) + 1e-5));
            }
        }
    }

    private static long integerSum(
            float[] image, float[] spread, float[] weights, int out, int y, int x, int kernel, int sizePx) {
        long sum = 0;
        for (int in = 0; in < CHANNELS; in++) {
            for (int ky = 0; ky < kernel; ky++) {
                for (int kx = 0; kx < kernel; kx++) {
                    int row = y + ky - kernel / 2;
                    int column = x + kx - kernel / 2;
                    if (row >= 0 && row < sizePx && column >= 0 && column < sizePx) {
                        int color = in % 3;
                        float value =
                                Math.max(0, spread[3 * in + color] * image[(color * sizePx + row) * sizePx + column]);
                        long integer = Math.min(255, (long) Math.rint(64 * value));
                        long weight = Math.round(weights[((out * CHANNELS + in) * kernel + ky) * kernel + kx] * 32);
                        sum += integer * weight;
                    }
                }
            }
        }
        return sum;
    }

    private static Int8Ranges ranges(Graph graph, int sizePx, Map<Integer, Range> values) {
        Int8Ranges measured = PreparedNet.ranges(graph, new Values(new float[3 * sizePx * sizePx], sizePx));
        assertThat(measured.values().keySet()).isEqualTo(values.keySet());
        return new Int8Ranges(measured.network(), values);
    }

    // --- ranges ---

    @Test
    void aRangeIsTheOneWithTheLeastError() {
        List<FusedNode> nodes = new ArrayList<>();
        Constant weight = Constant.of(new float[CHANNELS], 1, CHANNELS, 1, 1);
        nodes.add(
                new FusedNode(new Convolution(weight, null, 1, 0, 1), null, List.of(1), FusedNode.NONE, 2, List.of()));
        float[] values = new float[1_000_000];
        for (int i = 0; i < values.length; i++) {
            values[i] = i / 1e6f; // uniform up to 1
        }
        values[0] = 1.6f; // and one far away
        Range cut = new RangeMeter(nodes)
                .measure(observer -> observer.see(1, values))
                .values()
                .get(1);
        assertThat(cut.signed()).isFalse();
        assertThat(cut.limit()).isBetween(1f, 1.2f); // not 1.6, which would make all steps wider

        values[0] = -1;
        Range signed = new RangeMeter(nodes)
                .measure(observer -> observer.see(1, values))
                .values()
                .get(1);
        assertThat(signed.signed()).isTrue();
        assertThat(signed.limit()).isCloseTo(1, within(0.02f));

        Range zero = new RangeMeter(nodes)
                .measure(observer -> observer.see(1, new float[3]))
                .values()
                .get(1);
        assertThat(zero.scale()).isPositive();

        Range tiny = new RangeMeter(nodes)
                .measure(observer -> observer.see(1, new float[] {0, 1e-44f, 3e-45f}))
                .values()
                .get(1);
        assertThat(tiny).isEqualTo(zero);

        values[7] = Float.NaN;
        assertThatThrownBy(() -> new RangeMeter(nodes).measure(observer -> observer.see(1, values)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("values between the layers are not finite, so they have no ranges");
    }

    @Test
    void theDigestIsTheSameInAllVersionsOfJava() { // which write floats differently
        Map<Integer, Range> values = Map.of(7, new Range(0.1f, false), 1, new Range(1.5f, true));
        assertThat(new Int8Ranges("net", values).digest())
                .isEqualTo("e20ab9052b2013ce"); // SHA-256 of "net 1s3fc00000 7u3dcccccd"
    }

    // --- networks ---

    @ParameterizedTest
    @CsvSource({"RESNET18, 0.98", "RESNET50, 0.98", "IRESNET18, 0.98", "MOBILEFACENET, 0.97", "EFFICIENTNET_B0, 0.97"})
    void embeddingsAreCloseToFloat32AndTheSameBitForBitInAnyBatch(Encoder encoder, double minCosine) {
        int sizePx = 64;
        List<byte[]> faces = faces(24, sizePx);
        try (Backbone net = CalmNets.make(encoder, 24, sizePx);
                Graph graph = net.graph()) {
            Int8Calibration calibration =
                    Int8Calibration.of(graph, faces, TABLE, sizePx, false, List.of(0.9, 0.5, 0.5));
            assertThat(calibration.images()).isEqualTo(12);
            assertThat(calibration.minCosine()).isGreaterThan(minCosine);
            assertThat(calibration.meanCosine()).isBetween(calibration.minCosine(), 1.0);
            assertThat(calibration.changedDecisions()).containsOnlyKeys(0.5, 0.9); // equal thresholds are one
            assertThat(calibration.changedDecisions().get(0.5)).isBetween(0.0, 0.2);
            ComputeThreads one = new ComputeThreads(1);
            ComputeThreads four = new ComputeThreads(4);
            try (PreparedNet prepared = PreparedNet.int8(graph, 16, sizePx, calibration.ranges(), four);
                    PreparedNet onOneThread = PreparedNet.int8(graph, 16, sizePx, calibration.ranges(), one)) {
                float[][] together = prepared.embed(faces.subList(0, 13), TABLE, false);
                assertThat(onOneThread.embed(faces.subList(0, 13), TABLE, false))
                        .isDeepEqualTo(together);
                for (int i = 0; i < 3; i++) { // the second one alone is cut into parts
                    assertThat(prepared.embed(faces.subList(i, i + 1), TABLE, false)[0])
                            .isEqualTo(together[i]);
                }
            }
        }
    }

    @Test
    void convolutionsReallyTakeIntegers() {
        int sizePx = 64;
        List<byte[]> faces = faces(16, sizePx);
        try (Backbone net = CalmNets.make(Encoder.RESNET18, 24, sizePx);
                Graph graph = net.graph();
                PreparedNet full = PreparedNet.onCpu(graph, 16, sizePx, ScalarType.Float)) {
            Int8Ranges ranges = Int8Calibration.of(graph, faces, TABLE, sizePx, false, List.of())
                    .ranges();
            assertThat(ranges.values())
                    .hasSize(16); // what 19 convolutions take, 3 of which shorten a block that has the same input
            try (PreparedNet prepared = PreparedNet.int8(graph, 16, sizePx, ranges)) {
                assertThat(prepared.embed(faces, TABLE, false)[0]).isNotEqualTo(full.embed(faces, TABLE, false)[0]);
                assertThat(prepared.ranges()).contains(ranges);
                assertThat(full.ranges()).isEmpty();
                // all but the first, none by the slow code that oneDNN has for layouts or types without a kernel
                assertThat(prepared.int8Layers()).isEqualTo(19);
                assertThat(full.int8Layers()).isZero();
            }
            Map<Integer, Range> cut = new HashMap<>(ranges.values());
            cut.replaceAll((value, range) -> new Range(range.limit() / 50, range.signed()));
            try (PreparedNet prepared = PreparedNet.int8(graph, 16, sizePx, new Int8Ranges(ranges.network(), cut))) {
                assertThat(Cosines.min(prepared.embed(faces, TABLE, false), full.embed(faces, TABLE, false)))
                        .isLessThan(0.9); // ranges that are too small cut everything off
            }
        }
    }

    @Test
    void rangesOfAnotherNetworkAreRefused() {
        int sizePx = 32;
        try (Backbone net = CalmNets.make(Encoder.MOBILEFACENET, 24);
                Backbone other = CalmNets.make(Encoder.RESNET18, 24);
                Graph graph = net.graph();
                Graph otherGraph = other.graph()) {
            Int8Ranges ranges = Int8Calibration.of(graph, faces(16, sizePx), TABLE, sizePx, false, List.of())
                    .ranges();
            assertThatThrownBy(() -> PreparedNet.int8(otherGraph, 1, sizePx, ranges))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("of another network");
        }
    }

    @Test
    void decisionsAreOfEmbeddingsWithMirrorImagesWhenAsked() {
        int sizePx = 64;
        List<byte[]> faces = faces(16, sizePx);
        List<byte[]> others =
                IntStream.range(0, 8).mapToObj(i -> faces.get(2 * i + 1)).toList();
        try (Backbone net = CalmNets.make(Encoder.RESNET18, 24, sizePx);
                Graph graph = net.graph()) {
            Int8Calibration plain = Int8Calibration.of(graph, faces, TABLE, sizePx, false, List.of());
            try (PreparedNet int8 = PreparedNet.int8(graph, 16, sizePx, plain.ranges());
                    PreparedNet full = PreparedNet.onCpu(graph, 16, sizePx, ScalarType.Float)) {
                float[][] a = int8.embed(others, TABLE, true);
                float[][] b = full.embed(others, TABLE, true);
                double between = (Cosines.of(a[0], a[1]) + Cosines.of(b[0], b[1])) / 2;
                int changed = 0;
                for (int i = 0; i < others.size(); i++) {
                    for (int j = 0; j < i; j++) {
                        changed += Cosines.of(a[i], a[j]) >= between != Cosines.of(b[i], b[j]) >= between ? 1 : 0;
                    }
                }
                Int8Calibration mirrored = Int8Calibration.of(graph, faces, TABLE, sizePx, true, List.of(between));
                assertThat(changed).isPositive();
                assertThat(mirrored.changedDecisions()).isEqualTo(Map.of(between, changed / 28.0));
                assertThat(mirrored.ranges()).isEqualTo(plain.ranges());
                assertThat(mirrored.minCosine()).isEqualTo(plain.minCosine());
                assertThat(mirrored.meanCosine()).isEqualTo(plain.meanCosine());
            }
        }
    }

    @Test
    void fewFacesAreRefused() {
        try (Backbone net = CalmNets.make(Encoder.MOBILEFACENET, 24);
                Graph graph = net.graph()) {
            assertThatThrownBy(() -> Int8Calibration.of(graph, faces(15, 32), TABLE, 32, false, List.of()))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("the calibration for int8 needs at least 16 faces, better 100 or more, but got 15");
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"MOBILEFACENET", "IRESNET18"})
    void nothingIsLeaked(Encoder encoder) {
        List<byte[]> faces = faces(16, 32);
        try (Backbone net = CalmNets.make(encoder, 24);
                Graph graph = net.graph()) {
            long[] counts = new long[3];
            for (int i = 0; i < counts.length; i++) {
                Int8Ranges ranges = Int8Calibration.of(graph, faces, TABLE, 32, false, List.of())
                        .ranges();
                try (PreparedNet prepared = PreparedNet.int8(graph, 16, 32, ranges)) {
                    prepared.embed(faces, TABLE, true);
                }
                System.gc();
                counts[i] = Pointer.totalCount();
            }
            assertThat(counts[2]).isLessThanOrEqualTo(counts[1]);
        }
    }
}
