package org.facerecognition.inference;

import java.nio.IntBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Supplier;
import org.bytedeco.dnnl.IntMemoryMap;
import org.bytedeco.dnnl.global.dnnl;
import org.bytedeco.dnnl.matmul;
import org.bytedeco.dnnl.memory;
import org.bytedeco.dnnl.memory.data_type;
import org.bytedeco.dnnl.reorder;
import org.bytedeco.dnnl.stream;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerScope;
import org.facerecognition.graph.Constant;
import org.jspecify.annotations.Nullable;

/**
 * Owns copies of a network's weights in the layouts that oneDNN requests. The plans of all batch sizes share them: a
 * layout that is requested again is not packed again. Weights that are not finite are refused when they are packed.
 */
final class OneDnnWeights implements AutoCloseable {
    private static final int CHECKED_AT_ONCE = 1 << 12; // numbers, which stay in the cache

    /** The vectors that a layer can have, one value per channel. */
    enum Vector {
        SCALE,
        BIAS,
        MEAN,
        VARIANCE,
        SLOPES,
        /** Of a layer's integer weights, by output channel. */
        WEIGHT_SCALES,
        /** Of a value in integers. */
        VALUE_SCALE,
        /** The padding of an image. */
        ZEROS,
        /** A matrix of {@link OneDnnWinograd}. */
        VALUE_TRANSFORM,
        /** A matrix of {@link OneDnnWinograd}. */
        RESULT_TRANSFORM
    }

    private record VectorKey(int layer, Vector vector) {}

    /**
     * Of a part of a layer.
     *
     * @param vector null for its matrix
     * @param from the first of the part's channels
     */
    private record PartKey(int layer, @Nullable Vector vector, long from) {}

    private record ResultKey(int layer, long rows, long columns) {}

    private final Map<Integer, List<memory>> packed = new HashMap<>(); // by layer, one memory per layout
    private final Map<Integer, List<memory>> integers = new HashMap<>(); // the same; the first is row-major
    private final Map<Integer, List<memory>> winograd = new HashMap<>(); // by layer, one for each row of planes
    private final Map<VectorKey, memory> vectors = new HashMap<>();
    private final Map<PartKey, List<memory>> partial = new HashMap<>(); // one memory per layout
    private final Map<ResultKey, String> implementations = new HashMap<>();
    private final PointerScope owner = new PointerScope();

    OneDnnWeights() {
        owner.close(); // removes the scope from this thread's stack; it is empty and still accepts objects
    }

    /**
     * Remembers which of oneDNN's implementations the first plan has chosen for a layer: others may round differently,
     * and an image must have the same bits in a batch of any size.
     *
     * @param layer the number of the value that the layer produces
     * @param result [B, C, H, W]
     * @param name what a plan would choose
     * @return what the first plan chose
     */
    synchronized String implementation(int layer, long[] result, String name) {
        String first = implementations.putIfAbsent(new ResultKey(layer, result[2], result[3]), name);
        return first == null ? name : first;
    }

    /**
     * Returns the weights of a convolution or linear layer in a layout, borrowed.
     *
     * @param layer the number of the value that the layer produces
     * @param weight the weights; read on the layer's first call only, later calls repack what is there
     * @param shape the shape of the weights in oneDNN
     * @param layout the requested layout
     */
    synchronized memory matrix(int layer, Constant weight, long[] shape, memory.desc layout) {
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
     * Returns the weights of some of a layer's results in a layout, borrowed: a part of the memory of the whole, where
     * that has the same layout. The weights of the whole must be there already.
     *
     * @param layer the number of the value that the layer produces
     * @param whole the shape of the whole layer's weights in oneDNN
     * @param from the first of the entries of the first dimension
     * @param shape the shape of the part's weights
     * @param layout the requested layout
     */
    synchronized memory matrixPart(int layer, long[] whole, long from, long[] shape, memory.desc layout) {
        List<memory> known = Objects.requireNonNull(packed.get(layer), "weights of the whole layer");
        return part(new PartKey(layer, null, from), layout, () -> {
            for (memory one : known) {
                long offset = OneDnn.offsetOfPart(one.get_desc(), from, shape, layout);
                if (offset >= 0) {
                    return at(one, offset, layout);
                }
            }
            memory rowMajor = reordered(known.get(0), OneDnn.rowMajor(data_type.f32, whole));
            long bytes = rowMajor.get_desc().get_size() / whole[0] * from;
            return reordered(at(rowMajor, bytes, OneDnn.rowMajor(data_type.f32, shape)), layout);
        });
    }

    /** Returns a part in a layout; {@code made}, scoped, if it is requested for the first time. */
    private memory part(PartKey key, memory.desc layout, Supplier<memory> made) {
        List<memory> known = partial.computeIfAbsent(key, number -> new ArrayList<>());
        try (PointerScope scope = new PointerScope()) {
            for (memory one : known) {
                if (one.get_desc().equals(layout)) {
                    return one;
                }
            }
            memory part = made.get();
            owner.attach(part);
            known.add(part);
            return part;
        }
    }

    /**
     * Returns the weights of a convolution without groups as 8-bit integers in a layout, borrowed. The largest weight
     * of each output channel becomes the largest integer.
     *
     * @param layer the number of the value that the layer produces
     * @param weight the weights; read on the layer's first call only
     * @param largest the largest integer
     */
    synchronized memory integers(int layer, Constant weight, memory.desc layout, int largest) {
        List<memory> known = integers.computeIfAbsent(layer, number -> new ArrayList<>());
        try (PointerScope scope = new PointerScope()) {
            if (known.isEmpty()) {
                known.add(quantized(layer, weight, largest));
            }
            for (memory one : known) {
                if (one.get_desc().equals(layout)) {
                    return one;
                }
            }
            memory result = copy(known.get(0), layout);
            known.add(result);
            return result;
        }
    }

    private memory quantized(int layer, Constant weight, int largest) {
        float[] values = weight.values();
        int channels = Math.toIntExact(weight.size(0));
        int each = values.length / channels;
        byte[] rounded = new byte[values.length];
        float[] scales = new float[channels];
        for (int channel = 0; channel < channels; channel++) {
            float max = 0;
            for (int i = channel * each; i < (channel + 1) * each; i++) {
                max = Math.max(max, Math.abs(values[i])); // NaN stays NaN
            }
            if (!Float.isFinite(max)) {
                throw NonFiniteWeightsException.ofWeight(weight.shape());
            }
            float scale = max / largest;
            scales[channel] = scale < Float.MIN_NORMAL ? 1 : scale; // weights that are as good as zero become zero
            for (int i = channel * each; i < (channel + 1) * each; i++) {
                rounded[i] = (byte) Math.rint(values[i] / scales[channel]);
            }
        }
        memory result = new memory(OneDnn.rowMajor(data_type.s8, weight.shape()), OneDnn.engine());
        new BytePointer(result.get_data_handle()).put(rounded);
        owner.attach(result);
        vector(layer, Vector.WEIGHT_SCALES, scales);
        return result;
    }

    /** Returns the scale of each output channel of {@link #integers}, which must be there already; borrowed. */
    synchronized memory weightScales(int layer) {
        return Objects.requireNonNull(vectors.get(new VectorKey(layer, Vector.WEIGHT_SCALES)), "scales of weights");
    }

    /** Returns the scale of a value in integers; borrowed. */
    synchronized memory valueScale(int value, float scale) {
        return vector(value, Vector.VALUE_SCALE, scale);
    }

    private memory vector(int layer, Vector kind, float... values) {
        return vector(
                layer, kind, Constant.of(new long[] {values.length}, target -> target.put(values)), values.length);
    }

    /**
     * Returns one of a layer's vectors as float32, borrowed.
     *
     * @param layer the number of the value that the layer produces
     * @param values the vector's values; read on the first call only
     */
    synchronized memory vector(int layer, Vector kind, Constant values, long... shape) {
        return vectors.computeIfAbsent(new VectorKey(layer, kind), key -> {
            try (PointerScope scope = new PointerScope()) {
                memory vector = rowMajor(values, shape);
                owner.attach(vector);
                return vector;
            }
        });
    }

    /**
     * Returns some of the values of one of a layer's vectors, borrowed. The whole vector must be there already.
     *
     * @param from the first of the values
     * @param shape of the part
     */
    synchronized memory vectorPart(int layer, Vector kind, long from, long... shape) {
        memory whole = Objects.requireNonNull(vectors.get(new VectorKey(layer, kind)), "vector of the whole layer");
        try (PointerScope scope = new PointerScope()) {
            memory.desc layout = OneDnn.rowMajor(data_type.f32, shape);
            return part(new PartKey(layer, kind, from), layout, () -> at(whole, Float.BYTES * from, layout));
        }
    }

    /** Returns the layout that {@link #winograd} has made a layer's matrices in, or null if it has not yet. */
    synchronized memory.@Nullable desc winogradLayout(int layer) {
        List<memory> known = winograd.get(layer);
        return known == null ? null : known.get(0).get_desc();
    }

    /**
     * Returns the weights of a 3x3 convolution for a row of {@link OneDnnWinograd}'s planes, borrowed: one matrix of
     * input and output channels for each plane.
     *
     * @param layer the number of the value that the layer produces
     * @param weight the weights; read on the layer's first call only
     * @param layout the requested layout, [terms, C, K]; that of the first call
     * @param row from 0 on, of the planes
     */
    synchronized memory winograd(int layer, Constant weight, WinogradTiles tiles, memory.desc layout, int row) {
        return winograd.computeIfAbsent(layer, number -> transformed(weight, tiles, layout))
                .get(row);
    }

    private List<memory> transformed(Constant weight, WinogradTiles tiles, memory.desc layout) {
        int terms = tiles.terms();
        long out = weight.size(0);
        long in = weight.size(1);
        try (PointerScope scope = new PointerScope()) {
            memory given = rowMajor(weight, new long[] {out, in, 9});
            memory.desc nineMatrices =
                    new memory.desc(new long[] {out, in, 9}, data_type.f32, new long[] {1, out, in * out});
            memory.desc left = OneDnn.rowMajor(data_type.f32, terms * terms, 9);
            memory.desc right = OneDnn.rowMajor(data_type.f32, 9, in * out);
            memory.desc product = OneDnn.rowMajor(data_type.f32, terms * terms, in * out);
            memory matrix = rowMajor(Constant.of(tiles.ofWeights(), terms * terms, 9), new long[] {terms * terms, 9});
            memory arranged = new memory(nineMatrices, OneDnn.engine());
            memory result = new memory(product, OneDnn.engine());
            stream stream = new stream(OneDnn.engine());
            new reorder(given, arranged).execute(stream, given, arranged);
            memory flat = new memory(right, OneDnn.engine(), arranged.get_data_handle());
            matmul.primitive_desc descriptor = new matmul.primitive_desc(OneDnn.engine(), left, right, product);
            IntMemoryMap arguments = new IntMemoryMap();
            arguments.put(dnnl.DNNL_ARG_SRC, matrix);
            arguments.put(dnnl.DNNL_ARG_WEIGHTS, flat);
            arguments.put(dnnl.DNNL_ARG_DST, result);
            new matmul(descriptor).execute(stream, arguments);
            stream._wait();
            memory.desc row = OneDnn.rowMajor(data_type.f32, terms, in, out);
            List<memory> all = new ArrayList<>();
            for (int i = 0; i < terms; i++) {
                Pointer start = OneDnn.at(result.get_data_handle(), i * row.get_size());
                all.add(copy(new memory(row, OneDnn.engine(), start), layout));
            }
            return all;
        }
    }

    /** Returns a part of another memory without a copy, scoped. */
    private static memory at(memory whole, long bytes, memory.desc layout) {
        return new memory(layout, OneDnn.engine(), OneDnn.at(whole.get_data_handle(), bytes));
    }

    /** Returns a copy that {@link #owner} owns. */
    private memory copy(memory source, memory.desc layout) {
        memory result = reordered(source, layout);
        owner.attach(result);
        return result;
    }

    /** Returns a copy in another layout, scoped. */
    private static memory reordered(memory source, memory.desc layout) {
        memory result = new memory(layout, OneDnn.engine());
        stream stream = new stream(OneDnn.engine());
        new reorder(source, result).execute(stream, source, result);
        stream._wait();
        return result;
    }

    /**
     * Returns a constant's values in row-major layout, scoped.
     *
     * @throws NonFiniteWeightsException when one is not finite
     */
    private static memory rowMajor(Constant values, long[] shape) {
        memory result = new memory(OneDnn.rowMajor(data_type.f32, shape), OneDnn.engine());
        values.copyTo(new FloatPointer(result.get_data_handle())
                .capacity(values.count())
                .asBuffer());
        if (!areFinite(new IntPointer(result.get_data_handle())
                .capacity(values.count())
                .asBuffer())) {
            throw NonFiniteWeightsException.ofWeight(values.shape());
        }
        return result;
    }

    /** Returns whether the numbers with some bits are finite; of integers in an array, since that takes less time. */
    private static boolean areFinite(IntBuffer bits) {
        int[] some = new int[Math.min(bits.remaining(), CHECKED_AT_ONCE)];
        int largest = 0; // of the bits without the sign: in the order of the magnitudes
        while (bits.hasRemaining()) {
            int count = Math.min(some.length, bits.remaining());
            bits.get(some, 0, count);
            for (int i = 0; i < count; i++) {
                largest = Math.max(largest, some[i] & Integer.MAX_VALUE);
            }
        }
        return largest < Float.floatToRawIntBits(Float.POSITIVE_INFINITY);
    }

    @Override
    public void close() {
        owner.close();
    }
}
