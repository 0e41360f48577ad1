package org.facerecognition.inference;

import java.util.ArrayList;
import java.util.Arrays;
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

/**
 * A network made ready for one machine and one size of pictures: batch normalisations folded away, weights packed, and
 * convolution, bias, addition and activation done in one go. Has its own copy of the weights: what the net learns later does
 * not reach it. May be used from many threads at a time.
 *
 * <p>On a CPU the kernels are oneDNN's, elsewhere libtorch's ordinary ones.
 */
public final class PreparedNet implements AutoCloseable {
    private final PointerScope constants; // all that kernels keep
    private final List<FusedNode> nodes;
    private final List<Kernel> kernels;
    private final Device device;
    private final ScalarType type;
    private final long[] shape; // of the pictures it was made for
    private final int values;
    private final ReadWriteLock use = new ReentrantReadWriteLock(); // reading: at work; writing: closing
    private boolean closed;

    static {
        Libtorch.load();
    }

    /** How to prepare. */
    private record Target(Device device, ScalarType type, boolean fused) {}

    private PreparedNet(PointerScope constants, Graph graph, Tensor images, Target target) {
        this.constants = constants;
        this.device = target.device();
        this.type = target.type();
        this.shape = images.shape();
        this.nodes = FusedNode.of(graph);
        this.values = graph.nodes().size();
        AtenKernels plain = new AtenKernels(constants, device, type);
        Kernels maker = target.fused() ? new OneDnnKernels(constants, type, plain) : plain;
        List<Kernel> made = new ArrayList<>();
        run(images, (node, inputs) -> {
            made.add(maker.of(node, inputs));
            return made.get(made.size() - 1);
        });
        this.kernels = List.copyOf(made);
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
        PointerScope scope = new PointerScope();
        boolean done = false;
        try (NoGradGuard noGrad = new NoGradGuard();
                Graph folded = BatchNormFolding.fold(graph)) {
            Tensor images = torch.zeros(batchSize, 3, sizePx, sizePx);
            PreparedNet net = new PreparedNet(scope, folded, images, target);
            images.close();
            scope.extend();
            done = true;
            return net;
        } finally {
            scope.close();
            if (!done) {
                scope.deallocate();
            }
        }
    }

    private interface KernelOf {
        Kernel get(FusedNode node, Tensor[] inputs);
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
        if (images.dim() != 4 || !Arrays.equals(images.shape(), 1, 4, shape, 1, 4)) {
            throw new IllegalArgumentException("images must be [B, " + shape[1] + ", " + shape[2] + ", " + shape[3]
                    + "], for which the net was prepared, but were " + Arrays.toString(images.shape()));
        }
        use.readLock().lock();
        try (PointerScope scope = new PointerScope();
                NoGradGuard noGrad = new NoGradGuard()) {
            if (closed) {
                throw new IllegalStateException("a prepared net must be open to be used, but was closed");
            }
            long count = images.size(0);
            if (count <= shape[0]) {
                return run(images).retainReference();
            }
            TensorVector parts = new TensorVector();
            for (long from = 0; from < count; from += shape[0]) {
                parts.push_back(run(images.narrow(0, from, Math.min(shape[0], count - from))));
            }
            return torch.cat(parts, 0).retainReference();
        } finally {
            use.readLock().unlock();
        }
    }

    private Tensor run(Tensor images) {
        int[] next = {0};
        return run(images, (node, inputs) -> kernels.get(next[0]++));
    }

    /** Inside a scope. Values are let go as soon as nobody needs them: the next ones then find warm memory. */
    private Tensor run(Tensor images, KernelOf kernel) {
        Tensor[] kept = new Tensor[values];
        kept[0] = images.to(device, type).contiguous(MemoryFormat.ChannelsLast);
        int last = 0;
        for (FusedNode node : nodes) {
            Tensor[] inputs = new Tensor[node.inputs().size()];
            for (int i = 0; i < inputs.length; i++) {
                inputs[i] = kept[node.inputs().get(i)];
            }
            Tensor addend = node.addend() == FusedNode.NONE ? null : kept[node.addend()];
            last = node.output();
            kept[last] = kernel.get(node, inputs).run(inputs, addend);
            for (int dead : node.dead()) {
                kept[dead].close();
            }
        }
        return kept[last].to(ScalarType.Float);
    }

    /** Most pictures worked on at a time. */
    public int batchSize() {
        return (int) shape[0];
    }

    /** Of the values between layers. */
    public ScalarType type() {
        return type;
    }

    /** Frees the weights, once all that are at work in it are done. */
    @Override
    public void close() {
        use.writeLock().lock();
        try {
            if (!closed) {
                closed = true;
                constants.close();
                device.close();
            }
        } finally {
            use.writeLock().unlock();
        }
    }
}
