package org.facerecognition.inference;

import java.util.ArrayList;
import java.util.List;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.MemoryFormat;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/** libtorch's ordinary operators: on a GPU, and on a CPU where there is no oneDNN. */
final class AtenExecution implements Execution {
    private final List<FusedNode> nodes;
    private final List<AtenKernels.Kernel> kernels;
    private final List<LayerCost.Kind> kinds; // of the nodes, whose tensors are not kept
    private final int values;
    private final int turn;
    private final ScalarType type;
    private final Device device;
    private final PointerScope keeper;

    /**
     * @param values how many numbers the nodes' values have
     * @param turn most images that go through the layers at a time
     * @param device must stay open
     */
    AtenExecution(List<FusedNode> nodes, int values, int turn, ScalarType type, Device device) {
        this.nodes = nodes;
        this.kinds = nodes.stream().map(LayerCost.Kind::of).toList();
        this.values = values;
        this.turn = turn;
        this.type = type;
        this.device = device;
        this.keeper = new PointerScope();
        try (keeper) {
            AtenKernels maker = new AtenKernels(keeper, device, type);
            this.kernels = nodes.stream().map(maker::of).toList();
            keeper.extend();
        }
    }

    @Override
    public int turn() {
        return turn;
    }

    @Override
    public Tensor run(Tensor images) {
        long count = images.size(0);
        if (count <= turn) {
            return run(images, null);
        }
        TensorVector parts = new TensorVector();
        for (long from = 0; from < count; from += turn) {
            parts.push_back(run(images.narrow(0, from, Math.min(turn, count - from)), null));
        }
        return torch.cat(parts, 0);
    }

    @Override
    public List<LayerCost> profile(Tensor images) {
        List<LayerCost> costs = new ArrayList<>();
        run(images, costs);
        return costs;
    }

    /** Values are let go as soon as nobody needs them: the next ones then find warm memory. */
    private Tensor run(Tensor images, @Nullable List<LayerCost> costs) {
        Tensor[] kept = new Tensor[values];
        kept[0] = images.to(device, type).contiguous(MemoryFormat.ChannelsLast);
        int last = 0;
        for (int i = 0; i < nodes.size(); i++) {
            FusedNode node = nodes.get(i);
            Tensor[] inputs = new Tensor[node.inputs().size()];
            for (int k = 0; k < inputs.length; k++) {
                inputs[k] = kept[node.inputs().get(k)];
            }
            Tensor addend = node.addend() == FusedNode.NONE ? null : kept[node.addend()];
            last = node.output();
            long start = System.nanoTime();
            kept[last] = kernels.get(i).run(inputs, addend);
            if (costs != null) {
                costs.add(kinds.get(i).of(kept[last].shape(), (System.nanoTime() - start) / 1e9));
            }
            for (int dead : node.dead()) {
                kept[dead].close();
            }
        }
        return kept[last].to(ScalarType.Float);
    }

    @Override
    public void close() {
        keeper.close();
    }
}
