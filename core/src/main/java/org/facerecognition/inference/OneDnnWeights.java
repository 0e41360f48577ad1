package org.facerecognition.inference;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.dnnl.memory;
import org.bytedeco.dnnl.memory.data_type;
import org.bytedeco.dnnl.reorder;
import org.bytedeco.dnnl.stream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * The weights of a net in the layouts that oneDNN asks for. A layout that it asks for again, for another number of images, is
 * not made again.
 */
final class OneDnnWeights implements AutoCloseable {
    private final Map<Integer, List<memory>> packed = new HashMap<>(); // by layer
    private final Map<Integer, memory> vectors = new HashMap<>(); // by their place
    private final PointerScope keeper = new PointerScope();

    OneDnnWeights() {
        keeper.close(); // takes it off this thread; it has nothing yet
    }

    /**
     * A layer's weights.
     *
     * @param layer its number
     * @param weight of the first call that is made for this layer; later ones may be of anything
     * @param shape of the weight for oneDNN
     * @param wanted the layout
     */
    memory matrix(int layer, Tensor weight, long[] shape, memory.desc wanted) {
        List<memory> known = packed.computeIfAbsent(layer, number -> new ArrayList<>());
        for (memory one : known) {
            if (one.get_desc().equals(wanted)) {
                return one;
            }
        }
        try (PointerScope scope = new PointerScope()) {
            memory result = copy(known.isEmpty() ? of(weight, shape) : known.get(0), wanted);
            known.add(result);
            return result;
        }
    }

    /** The values of a small tensor, float32. */
    memory vector(int place, Tensor values, long... shape) {
        return vectors.computeIfAbsent(place, number -> {
            try (PointerScope scope = new PointerScope()) {
                memory source = of(values, shape);
                return copy(source, source.get_desc());
            }
        });
    }

    /** Of this object's own. */
    private memory copy(memory source, memory.desc layout) {
        memory result = new memory(layout, OneDnn.engine());
        stream work = new stream(OneDnn.engine());
        new reorder(source, result).execute(work, source, result);
        work._wait();
        keeper.attach(result);
        return result;
    }

    private static memory of(Tensor tensor, long[] shape) {
        return new memory(
                OneDnn.plain(data_type.f32, shape),
                OneDnn.engine(),
                tensor.to(new Device("cpu"), ScalarType.Float).contiguous().data_ptr());
    }

    @Override
    public void close() {
        keeper.close();
    }
}
