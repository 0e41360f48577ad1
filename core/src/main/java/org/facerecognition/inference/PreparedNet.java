package org.facerecognition.inference;

import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.facerecognition.graph.BatchNormFolding;
import org.facerecognition.graph.Graph;
import org.facerecognition.natives.Libtorch;
import org.facerecognition.natives.Lifetime;

/**
 * A network made ready for one machine and one size of images: batch normalizations folded away, weights packed, and
 * convolution, bias, addition and activation done in one go. Has its own copy of the weights: what the net learns later
 * does not reach it. May be used from many threads at a time.
 *
 * <p>On a CPU oneDNN does the work, in memory that is taken once; elsewhere libtorch's ordinary operators do.
 */
public final class PreparedNet implements AutoCloseable {
    /**
     * Most bytes of a value between layers on a CPU; a batch with more is done in turns. Larger ones leave the cache.
     */
    private static final long VALUE_BYTES = 16 << 20;

    private final Execution execution;
    private final ScalarType type;
    private final Device device;
    private final int batchSize;
    private final int sizePx;
    private final Lifetime lifetime = new Lifetime("prepared net");

    private PreparedNet(Execution execution, int batchSize, int sizePx, ScalarType type, Device device) {
        this.execution = execution;
        this.batchSize = batchSize;
        this.sizePx = sizePx;
        this.type = type;
        this.device = device;
    }

    /**
     * Prepares a graph.
     *
     * @param graph of a net; may be closed afterwards
     * @param batchSize most images worked on at a time; more are done in turns
     * @param sizePx side of the images
     * @param type of the values between layers: float32, bfloat16 or, on a GPU, float16
     * @param device where to work; a copy is kept
     */
    public static PreparedNet of(Graph graph, int batchSize, int sizePx, ScalarType type, Device device) {
        return of(graph, batchSize, sizePx, type, device, device.is_cpu() && OneDnn.available(type));
    }

    /** With libtorch's ordinary operators on the CPU too: for processors without oneDNN, and to compare. */
    static PreparedNet plain(Graph graph, int batchSize, int sizePx, ScalarType type) {
        return of(graph, batchSize, sizePx, type, new Device("cpu"), false);
    }

    private static PreparedNet of(
            Graph graph, int batchSize, int sizePx, ScalarType type, Device device, boolean oneDnn) {
        Libtorch.load();
        if (batchSize < 1) {
            throw new IllegalArgumentException("batchSize must be at least 1, but was " + batchSize);
        }
        Device own = new Device(device.type(), device.index()).retainReference(); // a scope around does not close it
        boolean done = false;
        try (PointerScope scope = new PointerScope();
                NoGradGuard noGrad = new NoGradGuard();
                Graph folded = BatchNormFolding.fold(graph)) {
            List<FusedNode> nodes = FusedNode.of(folded);
            int values = folded.nodes().size();
            long[][] shapes = Shapes.of(nodes, values, sizePx);
            int turn =
                    device.is_cpu() ? turn(batchSize, VALUE_BYTES / bytes(type) / Shapes.largest(shapes)) : batchSize;
            Execution execution = oneDnn && OneDnnLayers.canDo(nodes)
                    ? new OneDnnExecution(nodes, shapes, turn, type)
                    : new AtenExecution(nodes, values, turn, type, own);
            done = true;
            return new PreparedNet(execution, batchSize, sizePx, type, own);
        } finally {
            if (!done) {
                own.close();
            }
        }
    }

    /** Whether this processor has instructions for values of a type, and there are kernels that use them. */
    public static boolean isFast(ScalarType type) {
        return OneDnn.available(type);
    }

    private static int bytes(ScalarType type) {
        return type == ScalarType.Float ? Float.BYTES : Short.BYTES;
    }

    /** As few turns as can be, as like each other as can be. */
    private static int turn(int batchSize, long most) {
        int turns = (int) Math.ceil((double) batchSize / Math.max(1, most));
        return (int) Math.ceil((double) batchSize / turns);
    }

    /**
     * Embeds a batch.
     *
     * @param images [B, 3, S, S], of the size it was prepared for, in the color order and normalization that the net
     *     was trained with, on any device
     * @return [B, D], float32, on the net's device, not normalized; the caller closes it, a scope around does not
     * @throws IllegalArgumentException when the shape differs
     * @throws IllegalStateException when it is closed
     */
    public Tensor forward(Tensor images) {
        checkSize(images);
        try (Lifetime.Use use = lifetime.enter();
                PointerScope scope = new PointerScope();
                NoGradGuard noGrad = new NoGradGuard()) {
            return execution.run(images).retainReference();
        }
    }

    /**
     * What the layers cost, to see where the time goes.
     *
     * @param images as for {@link #forward}, at most as many as go through the layers at a time: of more, the first
     * @param rounds the median of which is taken, at least 1
     * @return in the order of work
     * @throws IllegalArgumentException when the shape differs, or {@code rounds} is less than 1
     * @throws IllegalStateException when it is closed
     */
    public List<LayerCost> profile(Tensor images, int rounds) {
        checkSize(images);
        if (rounds < 1) {
            throw new IllegalArgumentException("rounds must be at least 1, but was " + rounds);
        }
        try (Lifetime.Use use = lifetime.enter();
                PointerScope scope = new PointerScope();
                NoGradGuard noGrad = new NoGradGuard()) {
            Tensor some = images.narrow(0, 0, Math.min(execution.turn(), images.size(0)));
            List<List<LayerCost>> all = IntStream.range(0, rounds)
                    .mapToObj(round -> execution.profile(some))
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

    /** Most images worked on at a time. */
    public int batchSize() {
        return batchSize;
    }

    /** Of the values between layers. */
    public ScalarType type() {
        return type;
    }

    /** Working memory that is kept for the next callers, in bytes; there are bounds to it, however many call. */
    long workspaceBytes() {
        return execution.workspaceBytes();
    }

    /** How many pieces of working memory are kept. */
    int workspaces() {
        return execution.workspaces();
    }

    /** Waits for all that are at work in it and frees the weights. A second time does nothing. */
    @Override
    public void close() {
        lifetime.close(() -> {
            execution.close();
            device.close();
        });
    }
}
