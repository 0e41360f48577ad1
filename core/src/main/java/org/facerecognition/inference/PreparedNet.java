package org.facerecognition.inference;

import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.facerecognition.graph.Graph;
import org.facerecognition.natives.Libtorch;
import org.facerecognition.natives.Lifetime;
import org.facerecognition.natives.PlatformThreads;
import org.jspecify.annotations.Nullable;

/**
 * A network that is optimized for inference on one device with one image size: batch normalization is folded into the
 * adjacent weights, weights are packed, and convolution, bias, addition and activation are fused. It owns a copy of the
 * weights, so that further training of the network does not change it. It is thread-safe.
 *
 * <p>On a CPU it runs oneDNN's primitives in memory that is allocated once ({@link OneDnnExecution}); on a GPU, and
 * where oneDNN is not available, libtorch's operators ({@link AtenExecution}).
 */
public final class PreparedNet implements AutoCloseable {
    private final Execution execution;
    private final ScalarType type;
    private final @Nullable Int8Ranges ranges;
    private final int batchSize;
    private final int sizePx;
    private final int embeddingSize;
    private final Lifetime lifetime = new Lifetime("prepared net");

    private PreparedNet(
            Execution execution,
            int batchSize,
            int sizePx,
            int embeddingSize,
            ScalarType type,
            @Nullable Int8Ranges ranges) {
        this.ranges = ranges;
        this.execution = execution;
        this.batchSize = batchSize;
        this.sizePx = sizePx;
        this.embeddingSize = embeddingSize;
        this.type = type;
    }

    /**
     * Prepares a network.
     *
     * @param graph the network's graph; borrowed, may be closed afterwards
     * @param batchSize the maximum number of images that are processed together; larger batches run in chunks
     * @param sizePx the side of the square images in pixels
     * @param type the type of the values between layers: float32, bfloat16 or, on a GPU, float16
     * @param device where to run; borrowed, a copy is kept
     * @return owned
     * @throws IllegalArgumentException when {@code batchSize} is less than 1, or oneDNN is to run weights that are not
     *     finite
     * @throws UnsupportedOperationException when the graph's layers do not fit each other
     */
    public static PreparedNet of(Graph graph, int batchSize, int sizePx, ScalarType type, Device device) {
        ScalarType constant = type.intern(); // one that a tensor returns is another object
        return device.is_cpu()
                ? onCpu(graph, batchSize, sizePx, constant)
                : withLibtorch(graph, batchSize, sizePx, constant, device);
    }

    /**
     * Prepares a network for the CPU. Where oneDNN runs all layers, and the graph's constants are not tensors, libtorch
     * is not loaded.
     *
     * @return owned
     * @throws IllegalArgumentException when {@code batchSize} is less than 1, or oneDNN is to run weights that are not
     *     finite
     * @throws UnsupportedOperationException when the graph's layers do not fit each other
     */
    public static PreparedNet onCpu(Graph graph, int batchSize, int sizePx, ScalarType type) {
        ScalarType constant = type.intern();
        return OneDnn.available(constant) && OneDnnLayers.supports(graph)
                ? withOneDnn(graph, batchSize, sizePx, constant, null, ComputeThreads.shared())
                : withoutOneDnn(graph, batchSize, sizePx, constant);
    }

    /** Prepares a network for a CPU with oneDNN, with threads of its own; owned. */
    static PreparedNet of(Graph graph, int batchSize, int sizePx, ScalarType type, ComputeThreads threads) {
        return withOneDnn(graph, batchSize, sizePx, type, null, threads);
    }

    /**
     * Prepares a network for a CPU with oneDNN, with convolutions of 8-bit integers.
     *
     * @param ranges of the network's values
     * @return owned
     * @throws IllegalArgumentException when {@code batchSize} is less than 1, weights are not finite, or the ranges are
     *     of another network
     * @throws UnsupportedOperationException when the graph's layers do not fit each other, or oneDNN has no fast
     *     code with integers for any of them on this processor
     */
    public static PreparedNet int8(Graph graph, int batchSize, int sizePx, Int8Ranges ranges) {
        return int8(graph, batchSize, sizePx, ranges, ComputeThreads.shared());
    }

    /** Prepares a network with convolutions of 8-bit integers, with threads of its own; owned. */
    static PreparedNet int8(Graph graph, int batchSize, int sizePx, Int8Ranges ranges, ComputeThreads threads) {
        requireOneDnn(graph);
        PreparedNet net = withOneDnn(graph, batchSize, sizePx, ScalarType.Float, ranges, threads);
        if (net.int8Layers() == 0) {
            net.close();
            throw new UnsupportedOperationException(
                    "int8 is not possible: oneDNN has fast code with integers for none of"
                            + " this network's convolutions on this processor");
        }
        return net;
    }

    private static void requireOneDnn(Graph graph) {
        if (!OneDnn.available(ScalarType.Float) || !OneDnnLayers.supports(graph)) {
            throw new UnsupportedOperationException(
                    "int8 is not possible: it needs oneDNN, which cannot run this network on this processor");
        }
    }

    /** Prepares a network for libtorch's operators on the CPU, as on processors without oneDNN; owned. */
    static PreparedNet withoutOneDnn(Graph graph, int batchSize, int sizePx, ScalarType type) {
        Libtorch.load();
        try (Device cpu = new Device("cpu")) {
            return withLibtorch(graph, batchSize, sizePx, type, cpu);
        }
    }

    private static PreparedNet withOneDnn(
            Graph graph,
            int batchSize,
            int sizePx,
            ScalarType type,
            @Nullable Int8Ranges ranges,
            ComputeThreads threads) {
        return PlatformThreads.call(() -> {
            try (PointerScope scope = new PointerScope();
                    FusedLayers layers = FusedLayers.of(graph, batchSize, sizePx)) {
                if (ranges != null && !ranges.fit(layers.nodes())) {
                    throw new IllegalArgumentException(
                            "the ranges for int8 are of another network, or of another version of this library");
                }
                int embeddingSize = layers.embeddingSize(); // before anything of the net is made
                int chunkSize = layers.chunkSize(batchSize, type);
                Execution execution =
                        new OneDnnExecution(threads, layers.nodes(), layers.shapes(), chunkSize, type, ranges);
                return new PreparedNet(execution, batchSize, sizePx, embeddingSize, type, ranges);
            }
        });
    }

    private static PreparedNet withLibtorch(Graph graph, int batchSize, int sizePx, ScalarType type, Device device) {
        Libtorch.load();
        return PlatformThreads.call(() -> {
            try (PointerScope scope = new PointerScope();
                    NoGradGuard noGrad = new NoGradGuard();
                    FusedLayers layers = FusedLayers.of(graph, batchSize, sizePx)) {
                int embeddingSize = layers.embeddingSize();
                int chunkSize = device.is_cpu() ? layers.chunkSize(batchSize, type) : batchSize;
                Execution execution =
                        new AtenExecution(layers.nodes(), layers.shapes().length, chunkSize, type, device);
                return new PreparedNet(execution, batchSize, sizePx, embeddingSize, type, null);
            }
        });
    }

    /**
     * Prepares a network for ONNX Runtime on the CPU, in float32.
     *
     * @param batchSize the maximum number of images that are processed together
     * @param sizePx the side of the square images in pixels
     * @return owned
     * @throws UnsupportedOperationException when ONNX Runtime cannot run it; the message is a sentence
     */
    public static PreparedNet of(OnnxRuntimeModel model, int batchSize, int sizePx) {
        OnnxRuntimeExecution execution = new OnnxRuntimeExecution(model, sizePx, batchSize);
        return new PreparedNet(execution, batchSize, sizePx, execution.embeddingSize(), ScalarType.Float, null);
    }

    /** Returns whether this processor has instructions for a type of values and oneDNN has kernels that use them. */
    public static boolean isFast(ScalarType type) {
        return OneDnn.available(type.intern());
    }

    /**
     * Embeds a batch.
     *
     * @param images [B, 3, S, S], of the size that the network was prepared for, in the color order and normalization
     *     that it was trained with, on any device; borrowed
     * @return [B, D], float32, on the network's device, not L2-normalized; owned, also inside a {@code PointerScope}
     * @throws IllegalArgumentException when the shape differs
     * @throws IllegalStateException when the network is closed
     */
    public Tensor forward(Tensor images) {
        checkSize(images);
        return PlatformThreads.callBriefly(() -> {
            try (Lifetime.Use use = lifetime.enter();
                    PointerScope scope = new PointerScope();
                    NoGradGuard noGrad = new NoGradGuard()) {
                return execution.run(images).retainReference();
            }
        });
    }

    /** Returns whether {@link #embed} can be called: on a CPU with oneDNN, and in ONNX Runtime. */
    public boolean takesPixels() {
        return execution instanceof OneDnnExecution || execution instanceof OnnxRuntimeExecution;
    }

    /** Returns what runs the layers: {@code oneDNN}, {@code libtorch} or {@code ONNX Runtime}. */
    public String engine() {
        return execution instanceof OneDnnExecution
                ? "oneDNN"
                : execution instanceof OnnxRuntimeExecution ? "ONNX Runtime" : "libtorch";
    }

    /**
     * Embeds images as decoders return them, without a tensor in between.
     *
     * @param pixels [S, S, 3] of each image, of the size that the network was prepared for
     * @param table the normalized value of each pixel value, [3, 256]
     * @param flip adds the embedding of the mirrored image
     * @return the embeddings, not L2-normalized
     * @throws IllegalArgumentException when an image has another size
     * @throws IllegalStateException when the network is closed
     * @throws UnsupportedOperationException unless {@link #takesPixels}
     */
    public float[][] embed(List<byte[]> pixels, float[][] table, boolean flip) {
        int length = 3 * sizePx * sizePx;
        for (byte[] image : pixels) {
            if (image.length != length) {
                throw new IllegalArgumentException("an image must have " + length + " values, [" + sizePx + ", "
                        + sizePx + ", 3], but had " + image.length);
            }
        }
        InputImages images = new InputImages.Pixels(pixels, table, sizePx, flip);
        try (Lifetime.Use use = lifetime.enter()) {
            float[][] rows;
            if (execution instanceof OneDnnExecution oneDnn) {
                rows = oneDnn.run(images);
            } else if (execution instanceof OnnxRuntimeExecution onnxRuntime) {
                rows = onnxRuntime.run(images);
            } else {
                throw new UnsupportedOperationException("only networks on a CPU with oneDNN take pixels");
            }
            return flip ? sums(rows) : rows;
        }
    }

    /**
     * Measures ranges for 8-bit integers; see {@link RangeMeter}.
     *
     * @param graph borrowed
     * @param images of the network's input size; there must be some
     * @throws UnsupportedOperationException when the graph's layers do not fit each other, or oneDNN cannot run them on
     *     this processor
     */
    static Int8Ranges ranges(Graph graph, InputImages images) {
        requireOneDnn(graph);
        return PlatformThreads.call(() -> {
            try (PointerScope scope = new PointerScope();
                    FusedLayers layers = FusedLayers.of(graph, 1, images.sizePx());
                    OneDnnExecution execution = new OneDnnExecution(
                            ComputeThreads.shared(), layers.nodes(), layers.shapes(), 1, ScalarType.Float, null)) {
                RangeMeter meter = new RangeMeter(layers.nodes());
                return meter.measure(observer -> execution.observe(images, meter.wanted(), observer));
            }
        });
    }

    /** Embeds images, wherever the network runs. */
    float[][] embed(InputImages images) {
        try (Lifetime.Use use = lifetime.enter()) {
            return execution.run(images);
        }
    }

    /** Adds to each row of the first half its counterpart of the second half, and returns the first half. */
    static float[][] sums(float[][] rows) {
        float[][] sums = Arrays.copyOf(rows, rows.length / 2);
        for (int i = 0; i < sums.length; i++) {
            float[] mirrored = rows[sums.length + i];
            for (int j = 0; j < mirrored.length; j++) {
                sums[i][j] += mirrored[j];
            }
        }
        return sums;
    }

    /**
     * Measures the cost of each layer.
     *
     * @param images as for {@link #forward}; only the first chunk is used
     * @param rounds the number of measurements, at least 1; their median is returned
     * @return the costs in execution order
     * @throws IllegalArgumentException when the shape differs, there is no image, or {@code rounds} is less than 1
     * @throws IllegalStateException when the network is closed
     */
    public List<LayerCost> profile(Tensor images, int rounds) {
        checkSize(images);
        if (rounds < 1) {
            throw new IllegalArgumentException("rounds must be at least 1, but was " + rounds);
        }
        if (images.size(0) == 0) {
            throw new IllegalArgumentException("there must be at least one image to measure, but there was none");
        }
        try (Lifetime.Use use = lifetime.enter();
                PointerScope scope = new PointerScope();
                NoGradGuard noGrad = new NoGradGuard()) {
            Tensor chunk = images.narrow(0, 0, Math.min(execution.chunkSize(), images.size(0)));
            List<List<LayerCost>> all = IntStream.range(0, rounds)
                    .mapToObj(round -> execution.profile(chunk))
                    .toList();
            return IntStream.range(0, all.get(0).size())
                    .mapToObj(layer -> all.stream()
                            .map(costs -> costs.get(layer))
                            .sorted(Comparator.comparingDouble(LayerCost::seconds))
                            .toList()
                            .get(rounds / 2))
                    .toList();
        }
    }

    private void checkSize(Tensor images) {
        if (images.dim() != 4 || images.size(1) != 3 || images.size(2) != sizePx || images.size(3) != sizePx) {
            throw new IllegalArgumentException("images must be [B, 3, " + sizePx + ", " + sizePx
                    + "], for which the net was prepared, but were " + Arrays.toString(images.shape()));
        }
    }

    /** Returns the maximum number of images that are processed together. */
    public int batchSize() {
        return batchSize;
    }

    /** Returns the length of an embedding. */
    public int embeddingSize() {
        return embeddingSize;
    }

    /** Returns the type of the values between layers; of those that are not integers, if some are. */
    public ScalarType type() {
        return type;
    }

    /** Returns the ranges by which convolutions take 8-bit integers, if they do. */
    public Optional<Int8Ranges> ranges() {
        return Optional.ofNullable(ranges);
    }

    /** Returns the size in bytes of the idle workspaces; it is bounded, however many threads call. */
    long workspaceBytes() {
        return execution.workspaceBytes();
    }

    /** Returns how many layers multiply 8-bit integers: those that oneDNN has fast code for on this processor. */
    int int8Layers() {
        return execution instanceof OneDnnExecution oneDnn ? oneDnn.int8Layers() : 0;
    }

    /** Returns the number of idle workspaces. */
    int workspaces() {
        return execution.workspaces();
    }

    /** Waits for the calls that are in progress and frees the weights. Closing again has no effect. */
    @Override
    public void close() {
        lifetime.close(execution::close);
    }
}
