package org.facerecognition.inference;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.bytedeco.dnnl.global.dnnl;
import org.bytedeco.dnnl.memory;
import org.bytedeco.dnnl.memory.data_type;
import org.bytedeco.dnnl.primitive;
import org.bytedeco.dnnl.primitive_desc_base;
import org.bytedeco.dnnl.reorder;
import org.bytedeco.javacpp.PointerScope;
import org.facerecognition.inference.OneDnnSlabs.Slab;
import org.jspecify.annotations.Nullable;

/**
 * Execution plan for one batch size: ordered primitive calls and the buffer of every tensor. A plan is immutable once
 * it is constructed, and many {@link OneDnnWorkspace}s execute it concurrently. It owns its primitives; the weights are
 * borrowed from {@link OneDnnWeights}.
 *
 * <p>Tensors are called values and have numbers: first those of the graph, by node, then intermediate ones in other
 * layouts. {@link OneDnnLayers} fills the plan with the calls of each node.
 */
final class OneDnnPlan implements AutoCloseable {
    /**
     * An argument of a call: either a value, or a part of one, or a constant, such as a layer's weights.
     *
     * @param kind oneDNN's DNNL_ARG_ number
     * @param value the value's number; -1 for a constant
     * @param slab the part of the value; null for all of it
     * @param constant the constant, borrowed; null for a value
     */
    record Argument(
            int kind,
            int value,
            @Nullable Slab slab,
            @Nullable memory constant) {
        static Argument of(int kind, int value) {
            return new Argument(kind, value, null, null);
        }

        static Argument of(int kind, int value, Slab slab) {
            return new Argument(kind, value, slab, null);
        }

        static Argument of(int kind, memory constant) {
            return new Argument(kind, -1, null, constant);
        }
    }

    /**
     * The execution of one primitive.
     *
     * @param scratchpad the layout of the scratchpad, whose content is undefined before and after the call
     */
    record Call(primitive primitive, List<Argument> arguments, memory.desc scratchpad) {
        static Call of(primitive primitive, primitive_desc_base descriptor, Argument... arguments) {
            return new Call(primitive, List.of(arguments), descriptor.scratchpad_desc());
        }
    }

    /**
     * Parts that do not depend on one another, so that several threads can compute them at the same time: each is some
     * calls, one after another. Values that all of them use are read and written in different places.
     */
    record Step(List<List<Call>> parts) {
        Stream<Call> calls() {
            return parts.stream().flatMap(List::stream);
        }
    }

    /** The buffer number of the images, and of values in their memory. */
    static final int IMAGES = -1;

    /** The buffer number of the result. */
    static final int EMBEDDINGS = -2;

    private static final int UNASSIGNED = Integer.MAX_VALUE;

    private final PointerScope primitives;
    private final long[][] shapes;
    private final int count;
    private final int parts;
    private final data_type type;
    private final List<List<Step>> layers = new ArrayList<>(); // by node, then one that converts the result
    private final List<memory.desc> layouts = new ArrayList<>(); // by value
    private final List<Integer> storage = new ArrayList<>(); // by value: the value whose memory it uses
    private final int int8Layers;
    private final int output;
    private final int result;
    private final int[] buffers; // by value: its buffer in a workspace, IMAGES or EMBEDDINGS
    private final long[] bufferBytes;
    private final long scratchpadBytes; // of the call that needs most
    private final long workspaceBytes;

    /**
     * Plans a network.
     *
     * @param nodes the network; their tensors may be closed afterwards
     * @param shapes the shapes of the values, without the batch
     * @param count the number of images
     * @param parts into how many calls a layer is cut, so that several threads can run it; only for one image
     * @param type the type of the values between layers that are not integers
     * @param ranges by which values become integers; null if none does
     * @param weights borrowed; must stay open as long as the plan
     * @param autotuner chooses the convolutions
     */
    OneDnnPlan(
            List<FusedNode> nodes,
            long[][] shapes,
            int count,
            int parts,
            data_type type,
            @Nullable Int8Ranges ranges,
            OneDnnWeights weights,
            OneDnnAutotuner autotuner) {
        this.shapes = shapes;
        this.count = count;
        this.parts = parts;
        this.type = type;
        this.primitives = new PointerScope();
        try (primitives) {
            for (int i = 0; i < shapes.length; i++) {
                layouts.add(OneDnn.anyLayout(type, 1)); // a placeholder until the value is defined
                storage.add(i);
            }
            layouts.set(0, OneDnn.rowMajor(data_type.f32, shape(0)));
            OneDnnInt8 int8 = new OneDnnInt8(this, nodes, weights, ranges);
            OneDnnLayers emitter = new OneDnnLayers(this, weights, autotuner, int8);
            for (FusedNode node : nodes) {
                layers.add(new ArrayList<>());
                emitter.add(node);
            }
            this.int8Layers = int8.layers();
            layers.add(new ArrayList<>());
            this.output = nodes.get(nodes.size() - 1).output();
            this.result = define(OneDnn.rowMajor(data_type.f32, shape(output)));
            reorder(output, result);
            this.buffers = new int[layouts.size()];
            this.bufferBytes = assignBuffers();
            this.scratchpadBytes = calls().mapToLong(call -> call.scratchpad().get_size())
                    .max()
                    .orElse(0);
            long external = Float.BYTES * (Shapes.size(shape(0)) + Shapes.size(shape(output)));
            this.workspaceBytes = Arrays.stream(bufferBytes).sum() + parts * scratchpadBytes + external;
            primitives.extend(); // survives the end of this block; close() frees it
        }
    }

    // --- while the layers are added ---

    /** Returns the type of the values between layers. */
    data_type type() {
        return type;
    }

    /** Returns the shape of a value: of a graph's, for this plan's batch, [count, C, H, W] or [count, D]. */
    long[] shape(int value) {
        return value < shapes.length ? Shapes.batched(count, shapes[value]) : OneDnn.shape(layouts.get(value));
    }

    /** Returns the layout of a value, borrowed. */
    memory.desc layout(int value) {
        return layouts.get(value);
    }

    /** Returns one of a node's inputs in the layout that it has; the images are converted to this plan's type. */
    int input(FusedNode node, int index) {
        int value = node.inputs().get(index);
        return value == 0 ? inLayout(0, OneDnn.rowMajor(type, shape(0))) : value;
    }

    /** Sets the layout of a graph's value. */
    void define(int value, memory.desc layout) {
        layouts.set(value, layout);
    }

    /** Adds an intermediate value and returns its number. */
    int define(memory.desc layout) {
        layouts.add(layout);
        storage.add(layouts.size() - 1);
        return layouts.size() - 1;
    }

    /** Lets a value use the memory of another one, which must not be read after the value is written. */
    void share(int value, int other) {
        storage.set(value, storage.get(other));
    }

    /** Returns a value in a layout: the value itself, or a new one that a reorder produces. */
    int inLayout(int value, memory.desc layout) {
        if (layouts.get(value).equals(layout)) {
            return value;
        }
        int converted = define(layout);
        reorder(value, converted);
        return converted;
    }

    private void reorder(int from, int to) {
        add(reorder(
                layouts.get(from),
                Argument.of(dnnl.DNNL_ARG_FROM, from),
                layouts.get(to),
                Argument.of(dnnl.DNNL_ARG_TO, to)));
    }

    /** Returns the call that copies a value or a part, {@code DNNL_ARG_FROM}, to another, {@code DNNL_ARG_TO}. */
    static Call reorder(memory.desc fromLayout, Argument from, memory.desc toLayout, Argument to) {
        reorder.primitive_desc descriptor = new reorder.primitive_desc(
                OneDnn.engine(), fromLayout, OneDnn.engine(), toLayout, OneDnn.attributes(), false);
        return Call.of(new reorder(descriptor), descriptor, from, to);
    }

    /** Returns into how many calls a layer is to be cut, if it can be. */
    int parts() {
        return parts;
    }

    /** Appends a call to the current layer. */
    void add(Call call) {
        add(new Step(List.of(List.of(call))));
    }

    /** Appends a step to the current layer. */
    void add(Step step) {
        layers.get(layers.size() - 1).add(step);
    }

    // --- buffers ---

    /** Assigns buffers so that values with disjoint lifetimes share one; returns the buffers' sizes in bytes. */
    private long[] assignBuffers() {
        List<Step> steps = layers.stream().flatMap(List::stream).toList();
        int[] lastUse = lastUses(steps);
        List<Long> bytes = new ArrayList<>();
        List<Integer> free = new ArrayList<>();
        int[] assigned = new int[layouts.size()]; // by storage
        Arrays.fill(assigned, UNASSIGNED);
        assigned[0] = IMAGES;
        assigned[result] = EMBEDDINGS;
        for (int i = 0; i < steps.size(); i++) {
            List<Integer> released = new ArrayList<>(); // at the end of the step: its parts may run at the same time
            for (Argument argument : arguments(steps.get(i))) {
                int home = storage.get(argument.value());
                if (assigned[home] == UNASSIGNED) {
                    assigned[home] = allocate(layouts.get(argument.value()).get_size(), bytes, free);
                }
                if (lastUse[home] == i && assigned[home] >= 0 && !released.contains(assigned[home])) {
                    released.add(assigned[home]);
                }
            }
            free.addAll(released);
        }
        for (int value = 0; value < buffers.length; value++) {
            buffers[value] = assigned[storage.get(value)];
        }
        return bytes.stream().mapToLong(Long::longValue).toArray();
    }

    /** Returns the index of the last step that uses each storage. */
    private int[] lastUses(List<Step> steps) {
        int[] lastUse = new int[layouts.size()];
        for (int i = 0; i < steps.size(); i++) {
            for (Argument argument : arguments(steps.get(i))) {
                lastUse[storage.get(argument.value())] = i;
            }
        }
        return lastUse;
    }

    /** Returns the arguments of a step that are values. */
    private static List<Argument> arguments(Step step) {
        return step.calls()
                .flatMap(call -> call.arguments().stream())
                .filter(argument -> argument.constant() == null)
                .toList();
    }

    /**
     * Takes the smallest free buffer that is large enough, or else enlarges the largest free one, or adds a new one.
     */
    private static int allocate(long size, List<Long> bytes, List<Integer> free) {
        Integer best = null;
        for (Integer buffer : free) {
            if (best == null) {
                best = buffer;
            } else if (bytes.get(best) < size
                    ? bytes.get(buffer) > bytes.get(best)
                    : bytes.get(buffer) >= size && bytes.get(buffer) < bytes.get(best)) {
                best = buffer;
            }
        }
        if (best == null) {
            bytes.add(size);
            return bytes.size() - 1;
        }
        free.remove(best);
        bytes.set(best, Math.max(bytes.get(best), size));
        return best;
    }

    // --- for workspaces ---

    private Stream<Call> calls() {
        return layers.stream().flatMap(List::stream).flatMap(Step::calls);
    }

    /** Returns the steps by node, and after the last node those that convert the result. */
    List<List<Step>> layers() {
        return layers;
    }

    /** Returns how many layers multiply 8-bit integers. */
    int int8Layers() {
        return int8Layers;
    }

    /** Returns the number of images. */
    int count() {
        return count;
    }

    /** Returns the number of values. */
    int values() {
        return layouts.size();
    }

    /** Returns the number of the graph's value that is the embeddings. */
    int output() {
        return output;
    }

    /** Returns a value's buffer, {@link #IMAGES} or {@link #EMBEDDINGS}; undefined for values that no call uses. */
    int buffer(int value) {
        return buffers[value];
    }

    /** Returns the sizes of the buffers in bytes. */
    long[] bufferBytes() {
        return bufferBytes.clone();
    }

    /** Returns the size in bytes of the largest scratchpad that a call needs; each part of a step has its own. */
    long scratchpadBytes() {
        return scratchpadBytes;
    }

    /** Returns the size of a workspace in bytes. */
    long workspaceBytes() {
        return workspaceBytes;
    }

    @Override
    public void close() {
        primitives.close();
    }
}
