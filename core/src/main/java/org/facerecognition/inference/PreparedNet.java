package org.facerecognition.inference;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.MemoryFormat;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.facerecognition.graph.BatchNormFolding;
import org.facerecognition.graph.Graph;
import org.facerecognition.natives.Libtorch;
import org.jspecify.annotations.Nullable;

/**
 * A network made ready for one machine and one size of pictures: batch normalisations folded away, weights packed, and
 * convolution, bias, addition and activation done in one go. Has its own copy of the weights: what the net learns later does
 * not reach it. May be used from many threads at a time.
 *
 * <p>On a CPU the kernels are oneDNN's, elsewhere libtorch's ordinary ones. Which layout of weights oneDNN wants depends on the
 * number of pictures; given another it turns the weights around in every call. So one picture alone has its own weights, in
 * those layers where that was measured to be faster.
 */
public final class PreparedNet implements AutoCloseable {
    /**
     * Most bytes of a value between layers on a CPU; a batch with more is done in turns. Larger values do not stay in the cache,
     * and malloc fetches their memory anew from the system for each batch.
     */
    private static final long VALUE_BYTES = 16 << 20;

    private static final int TRIES = 3;
    private static final double LONG_ENOUGH = 50e-3; // seconds, to need no other try: a hiccup of the system is shorter
    private static final double WORTH_IT = 1.1; // times as fast

    private final List<PointerScope> keepers; // of all that kernels keep
    private final List<FusedNode> nodes;
    private final List<LayerCost.Kind> kinds; // of the nodes, whose tensors are not kept
    private final List<Kernel> forMany;
    private final List<Kernel> forOne;
    private final Target target;
    private final int batchSize;
    private final int turn; // most pictures that go through the layers at a time
    private final int sizePx;
    private final int values;
    private final ReadWriteLock use = new ReentrantReadWriteLock(); // reading: at work; writing: closing
    private boolean closed;

    static {
        Libtorch.load();
    }

    /** How to prepare. */
    private record Target(Device device, ScalarType type, boolean fused) {
        Kernels kernels(PointerScope keeper) {
            AtenKernels plain = new AtenKernels(keeper, device, type);
            return fused ? new OneDnnKernels(keeper, type, plain) : plain;
        }
    }

    private record Kept(Kernel kernel, PointerScope keeper) {}

    private PreparedNet(List<PointerScope> keepers, Graph graph, int batchSize, int sizePx, Target target) {
        this.keepers = keepers;
        this.target = target;
        this.batchSize = batchSize;
        this.sizePx = sizePx;
        this.nodes = FusedNode.of(graph);
        this.kinds = nodes.stream().map(LayerCost.Kind::of).toList();
        this.values = graph.nodes().size();
        Tensor picture = torch.zeros(1, 3, sizePx, sizePx);
        long[] largest = {1};
        List<Kept> own = made(picture, largest);
        this.turn = target.device().is_cpu() ? turn(batchSize, VALUE_BYTES / largest[0]) : batchSize;
        if (turn == 1 || !target.fused()) { // libtorch's ordinary kernels care for no number of pictures
            this.forMany = own.stream().map(Kept::kernel).toList();
            this.forOne = forMany;
        } else {
            this.forMany = made(torch.zeros(turn, 3, sizePx, sizePx), largest).stream()
                    .map(Kept::kernel)
                    .toList();
            this.forOne = theFaster(own, picture);
        }
    }

    /**
     * Prepares a graph.
     *
     * @param graph of a net; may be closed afterwards
     * @param batchSize most pictures worked on at a time; more are done in turns
     * @param sizePx side of the pictures
     * @param type of the values between layers: float32, bfloat16 or, on a GPU, float16
     * @param device where to work; a copy is kept
     */
    public static PreparedNet of(Graph graph, int batchSize, int sizePx, ScalarType type, Device device) {
        boolean fused = device.is_cpu() && OneDnnKernels.available(type);
        return of(graph, batchSize, sizePx, new Target(new Device(device.type(), device.index()), type, fused));
    }

    /** With libtorch's ordinary operators on the CPU too: for processors without oneDNN, and to compare. */
    static PreparedNet plain(Graph graph, int batchSize, int sizePx, ScalarType type) {
        return of(graph, batchSize, sizePx, new Target(new Device("cpu"), type, false));
    }

    private static PreparedNet of(Graph graph, int batchSize, int sizePx, Target target) {
        if (batchSize < 1) {
            throw new IllegalArgumentException("batchSize must be at least 1, but was " + batchSize);
        }
        target.device().retainReference(); // a scope around does not close it
        List<PointerScope> keepers = new ArrayList<>();
        boolean done = false;
        try (PointerScope scope = new PointerScope();
                NoGradGuard noGrad = new NoGradGuard();
                Graph folded = BatchNormFolding.fold(graph)) {
            PreparedNet net = new PreparedNet(keepers, folded, batchSize, sizePx, target);
            done = true;
            return net;
        } finally {
            if (!done) {
                keepers.forEach(PointerScope::close);
                target.device().close();
            }
        }
    }

    /** As few turns as can be, as like each other as can be. */
    private static int turn(int batchSize, long most) {
        int turns = (int) Math.ceil((double) batchSize / Math.max(1, most));
        return (int) Math.ceil((double) batchSize / turns);
    }

    /** @param largest is raised to the bytes of the largest value */
    private List<Kept> made(Tensor images, long[] largest) {
        List<Kept> made = new ArrayList<>();
        run(images, (node, inputs, addend) -> {
            for (Tensor input : inputs) {
                largest[0] = Math.max(largest[0], input.nbytes());
            }
            PointerScope keeper = new PointerScope();
            try (keeper) {
                made.add(new Kept(target.kernels(keeper).of(node, inputs), keeper));
                keepers.add(keeper.extend());
            }
            return made.get(made.size() - 1).kernel();
        });
        return made;
    }

    /** Of two kernels for a picture alone: its own, if that pays, else the one for many, and its own is let go. */
    private List<Kernel> theFaster(List<Kept> own, Tensor picture) {
        List<Kernel> chosen = new ArrayList<>();
        run(picture, (node, inputs, addend) -> {
            Kept one = own.get(chosen.size());
            Kernel many = forMany.get(chosen.size());
            boolean keep = OneDnnKernels.packs(node.operation())
                    && seconds(many, inputs, addend) > WORTH_IT * seconds(one.kernel(), inputs, addend);
            chosen.add(keep ? one.kernel() : many);
            if (!keep) {
                keepers.remove(one.keeper());
                one.keeper().close();
            }
            return chosen.get(chosen.size() - 1);
        });
        return List.copyOf(chosen);
    }

    /** The best of some; a long one is believed at once. */
    private static double seconds(Kernel kernel, Tensor[] inputs, @Nullable Tensor addend) {
        double best = Double.POSITIVE_INFINITY;
        for (int i = 0; i < TRIES && (i == 0 || best < LONG_ENOUGH); i++) {
            long start = System.nanoTime();
            kernel.run(inputs, addend).close();
            best = Math.min(best, (System.nanoTime() - start) / 1e9);
        }
        return best;
    }

    private interface KernelOf {
        Kernel get(FusedNode node, Tensor[] inputs, @Nullable Tensor addend);
    }

    /**
     * Embeds a batch.
     *
     * @param images [B, 3, S, S], of the size it was prepared for, in the colour order and normalisation that the net was
     *     trained with, on any device
     * @return [B, D], float32, on the net's device, not normalised; the caller closes it, a scope around does not
     * @throws IllegalArgumentException when the shape differs
     * @throws IllegalStateException when it is closed
     */
    public Tensor forward(Tensor images) {
        checkSize(images);
        use.readLock().lock();
        try (PointerScope scope = new PointerScope();
                NoGradGuard noGrad = new NoGradGuard()) {
            checkOpen();
            long count = images.size(0);
            if (count <= turn) {
                return run(images).retainReference();
            }
            TensorVector parts = new TensorVector();
            for (long from = 0; from < count; from += turn) {
                parts.push_back(run(images.narrow(0, from, Math.min(turn, count - from))));
            }
            return torch.cat(parts, 0).retainReference();
        } finally {
            use.readLock().unlock();
        }
    }

    /**
     * What the layers cost, to see where the time goes.
     *
     * @param images as for {@link #forward}, at most as many as go through the layers at a time: of more, the first
     * @param rounds the median of which is taken, at least 1
     * @return in the order of work
     * @throws IllegalArgumentException when the shape differs, or {@code rounds} is less than 1
     */
    public List<LayerCost> profile(Tensor images, int rounds) {
        checkSize(images);
        if (rounds < 1) {
            throw new IllegalArgumentException("rounds must be at least 1, but was " + rounds);
        }
        List<LayerCost> costs = new ArrayList<>();
        double[][] seconds = new double[nodes.size()][rounds];
        use.readLock().lock();
        try (PointerScope scope = new PointerScope();
                NoGradGuard noGrad = new NoGradGuard()) {
            checkOpen();
            Tensor some = images.narrow(0, 0, Math.min(turn, images.size(0)));
            for (int round = 0; round < rounds; round++) {
                Iterator<Kernel> kernels = kernels(some).iterator();
                int[] layer = {0};
                int now = round;
                run(some, (node, inputs, addend) -> {
                    Kernel kernel = kernels.next();
                    return (x, sum) -> {
                        long start = System.nanoTime();
                        Tensor result = kernel.run(x, sum);
                        seconds[layer[0]][now] = (System.nanoTime() - start) / 1e9;
                        if (now == 0) {
                            costs.add(kinds.get(layer[0]).of(result, 0));
                        }
                        layer[0]++;
                        return result;
                    };
                });
            }
        } finally {
            use.readLock().unlock();
        }
        for (int i = 0; i < seconds.length; i++) {
            Arrays.sort(seconds[i]);
            costs.set(i, costs.get(i).taking(seconds[i][rounds / 2]));
        }
        return List.copyOf(costs);
    }

    private void checkSize(Tensor images) {
        if (images.dim() != 4 || images.size(1) != 3 || images.size(2) != sizePx || images.size(3) != sizePx) {
            throw new IllegalArgumentException("images must be [B, 3, " + sizePx + ", " + sizePx
                    + "], for which the net was prepared, but were " + Arrays.toString(images.shape()));
        }
    }

    private void checkOpen() {
        if (closed) {
            throw new IllegalStateException("a prepared net must be open to be used, but was closed");
        }
    }

    private List<Kernel> kernels(Tensor images) {
        return images.size(0) == 1 ? forOne : forMany;
    }

    private Tensor run(Tensor images) {
        Iterator<Kernel> kernels = kernels(images).iterator();
        return run(images, (node, inputs, addend) -> kernels.next());
    }

    /** Inside a scope. Values are let go as soon as nobody needs them: the next ones then find warm memory. */
    private Tensor run(Tensor images, KernelOf kernel) {
        Tensor[] kept = new Tensor[values];
        kept[0] = images.to(target.device(), target.type()).contiguous(MemoryFormat.ChannelsLast);
        int last = 0;
        for (FusedNode node : nodes) {
            Tensor[] inputs = new Tensor[node.inputs().size()];
            for (int i = 0; i < inputs.length; i++) {
                inputs[i] = kept[node.inputs().get(i)];
            }
            Tensor addend = node.addend() == FusedNode.NONE ? null : kept[node.addend()];
            last = node.output();
            kept[last] = kernel.get(node, inputs, addend).run(inputs, addend);
            for (int dead : node.dead()) {
                kept[dead].close();
            }
        }
        return kept[last].to(ScalarType.Float);
    }

    /** Most pictures worked on at a time. */
    public int batchSize() {
        return batchSize;
    }

    /** Of the values between layers. */
    public ScalarType type() {
        return target.type();
    }

    /** Frees the weights, once all that are at work in it are done. */
    @Override
    public void close() {
        use.writeLock().lock();
        try {
            if (!closed) {
                closed = true;
                keepers.forEach(PointerScope::close);
                target.device().close();
            }
        } finally {
            use.writeLock().unlock();
        }
    }
}
