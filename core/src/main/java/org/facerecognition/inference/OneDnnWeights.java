package org.facerecognition.inference;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.dnnl.memory;
import org.bytedeco.dnnl.memory.data_type;
import org.bytedeco.dnnl.reorder;
import org.bytedeco.dnnl.stream;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.PointerScope;
import org.facerecognition.graph.Constant;

/**
 * Owns copies of a network's weights in the layouts that oneDNN requests. The plans of all batch sizes share them: a
 * layout that is requested again is not packed again.
 */
final class OneDnnWeights implements AutoCloseable {
    /** The vectors that a layer can have, one value per channel. */
    enum Vector {
        SCALE,
        BIAS,
        MEAN,
        VARIANCE,
        SLOPES
    }

    private static final int MAX_LAYERS = 1 << 20;

    /** Returns the number of a part of a layer, whose weights are some of the layer's. */
    static int part(int layer, int part) {
        return layer + MAX_LAYERS * (part + 1);
    }

    private record VectorKey(int layer, Vector vector) {}

    private final Map<Integer, List<memory>> packed = new HashMap<>(); // by layer, one memory per layout
    private final Map<VectorKey, memory> vectors = new HashMap<>();
    private final PointerScope owner = new PointerScope();

    OneDnnWeights() {
        owner.close(); // removes the scope from this thread's stack; it is empty and still accepts objects
    }

    /**
     * Returns the weights of a convolution or linear layer in a layout, borrowed.
     *
     * @param layer the number of the value that the layer produces
     * @param weight the weights; read on the layer's first call only, later calls repack what is there
     * @param shape the shape of the weights in oneDNN
     * @param layout the requested layout
     */
    memory matrix(int layer, Constant weight, long[] shape, memory.desc layout) {
        List<memory> known = packed.computeIfAbsent(layer, number -> new ArrayList<>());
        for (memory one : known) {
            if (one.get_desc().equals(layout)) {
                return one;
            }
        }
        try (PointerScope scope = new PointerScope()) {
            memory result = copy(known.isEmpty() ? rowMajor(weight, shape) : known.get(0), layout);
            known.add(result);
            return result;
        }
    }

    /**
     * Returns one of a layer's vectors as float32, borrowed.
     *
     * @param layer the number of the value that the layer produces
     * @param values the vector's values; read on the first call only
     */
    memory vector(int layer, Vector kind, Constant values, long... shape) {
        return vectors.computeIfAbsent(new VectorKey(layer, kind), key -> {
            try (PointerScope scope = new PointerScope()) {
                memory vector = rowMajor(values, shape);
                owner.attach(vector);
                return vector;
            }
        });
    }

    /** Returns a copy that {@link #owner} owns. */
    private memory copy(memory source, memory.desc layout) {
        memory result = new memory(layout, OneDnn.engine());
        stream stream = new stream(OneDnn.engine());
        new reorder(source, result).execute(stream, source, result);
        stream._wait();
        owner.attach(result);
        return result;
    }

    /** Returns a constant's values in row-major layout, scoped. */
    private static memory rowMajor(Constant values, long[] shape) {
        memory result = new memory(OneDnn.rowMajor(data_type.f32, shape), OneDnn.engine());
        values.copyTo(new FloatPointer(result.get_data_handle())
                .capacity(values.count())
                .asBuffer());
        return result;
    }

    @Override
    public void close() {
        owner.close();
    }
}
