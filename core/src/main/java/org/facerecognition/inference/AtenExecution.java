package org.facerecognition.inference;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.MemoryFormat;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.facerecognition.natives.TensorRows;
import org.jspecify.annotations.Nullable;

/** Runs a network with libtorch's operators: on a GPU, and on a CPU where oneDNN is not available. */
final class AtenExecution implements Execution {
    private final List<FusedNode> nodes;
    private final List<AtenKernels.Kernel> kernels;
    private final List<LayerCost.Kind> kinds; // computed early: the nodes' own tensors may be closed later
    private final int valueCount;
    private final int chunkSize;
    private final ScalarType type;
    private final Device device;
    private final PointerScope weights;
    private final int[] lastUse; // by value: the index of the last node that uses it

    /**
     * Copies the weights to the device.
     *
     * @param nodes the network; their tensors may be closed afterwards
     * @param valueCount the number of values in the graph
     * @param chunkSize the maximum number of images that pass through the layers together
     * @param type the type of the values between layers
     * @param device where to run; borrowed, a copy is kept
     */
    AtenExecution(List<FusedNode> nodes, int valueCount, int chunkSize, ScalarType type, Device device) {
        this.nodes = nodes;
        this.kinds = nodes.stream().map(LayerCost.Kind::of).toList();
        this.valueCount = valueCount;
        this.lastUse = new int[valueCount];
        for (int i = 0; i < nodes.size(); i++) {
            for (int used : nodes.get(i).valuesUsed()) {
                lastUse[used] = i;
            }
        }
        this.chunkSize = chunkSize;
        this.type = type;
        this.weights = new PointerScope();
        try (weights) {
            this.device = new Device(device.type(), device.index());
            AtenKernels factory = new AtenKernels(weights, this.device, type);
            this.kernels = nodes.stream().map(factory::of).toList();
            weights.extend(); // survives the end of this block; close() frees it
        }
    }

    @Override
    public int chunkSize() {
        return chunkSize;
    }

    @Override
    public Tensor run(Tensor images) {
        long count = images.size(0);
        if (count <= chunkSize) {
            return run(images, null);
        }
        TensorVector chunks = new TensorVector();
        for (long from = 0; from < count; from += chunkSize) {
            try (PointerScope scope = new PointerScope()) { // else the memory would grow with the number of chunks
                chunks.push_back(run(images.narrow(0, from, Math.min(chunkSize, count - from)), null));
            }
        }
        return torch.cat(chunks, 0);
    }

    @Override
    public float[][] run(InputImages images) {
        if (images.count() == 0) {
            return new float[0][];
        }
        try (PointerScope scope = new PointerScope();
                NoGradGuard noGrad = new NoGradGuard()) {
            TensorVector all = new TensorVector();
            float[] values = new float[images.length()];
            for (int i = 0; i < images.count(); i++) {
                images.read(i, values);
                all.push_back(Tensor.create(values, 3, images.sizePx(), images.sizePx()));
            }
            return TensorRows.of(run(torch.stack(all)));
        }
    }

    @Override
    public List<LayerCost> profile(Tensor images) {
        List<LayerCost> costs = new ArrayList<>();
        run(images, costs);
        return costs;
    }

    /** Closes each value after its last use, so that the allocator reuses memory that is still in the cache. */
    private Tensor run(Tensor images, @Nullable List<LayerCost> costs) {
        @Nullable Tensor[] values = new Tensor[valueCount];
        try {
            values[0] = images.to(device, type).contiguous(MemoryFormat.ChannelsLast);
            int last = 0;
            for (int i = 0; i < nodes.size(); i++) {
                FusedNode node = nodes.get(i);
                last = node.output();
                long start = System.nanoTime();
                values[last] = run(i, values);
                if (costs != null) {
                    costs.add(kinds.get(i).of(value(values, last).shape(), (System.nanoTime() - start) / 1e9));
                }
                for (int used : node.valuesUsed()) {
                    if (lastUse[used] == i) {
                        close(values, used);
                    }
                }
            }
            return value(values, last).to(ScalarType.Float);
        } finally {
            for (int i = 0; i < values.length; i++) {
                close(values, i);
            }
        }
    }

    /** Returns the value of a node, outside any scope. */
    private Tensor run(int index, @Nullable Tensor[] values) {
        FusedNode node = nodes.get(index);
        Tensor[] inputs =
                node.inputs().stream().map(number -> value(values, number)).toArray(Tensor[]::new);
        Tensor addend = node.addend() == FusedNode.NONE ? null : value(values, node.addend());
        try (PointerScope scope = new PointerScope()) { // of what is made on the way
            return kernels.get(index).run(inputs, addend).retainReference();
        }
    }

    private static Tensor value(@Nullable Tensor[] values, int number) {
        return Objects.requireNonNull(values[number]);
    }

    /** Others may still use the memory, as views of it. */
    private static void close(@Nullable Tensor[] values, int number) {
        Tensor value = values[number];
        if (value != null) {
            value.close();
            values[number] = null;
        }
    }

    @Override
    public void close() {
        weights.close();
    }
}
