package org.facerecognition.inference;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.bytedeco.dnnl.global.dnnl;
import org.bytedeco.dnnl.memory;
import org.bytedeco.dnnl.memory.data_type;
import org.bytedeco.dnnl.primitive;
import org.bytedeco.dnnl.primitive_desc_base;
import org.bytedeco.dnnl.reorder;
import org.bytedeco.javacpp.PointerScope;
import org.jspecify.annotations.Nullable;

/**
 * What oneDNN is to do for a net and one number of images: calls in order, and where in memory each value has its
 * place. Immutable once made, and used by many workspaces at a time.
 */
final class OneDnnPlan implements AutoCloseable {
    /**
     * What an argument of a call is: a value, or a constant.
     *
     * @param kind oneDNN's number for it
     */
    record Argument(int kind, int value, @Nullable memory constant) {
        static Argument of(int kind, int value) {
            return new Argument(kind, value, null);
        }

        static Argument of(int kind, memory constant) {
            return new Argument(kind, -1, constant);
        }
    }

    /**
     * One call.
     *
     * @param scratch what it needs besides, of no meaning before and after
     */
    record Call(primitive primitive, List<Argument> arguments, memory.desc scratch) {}

    private final PointerScope keeper;
    private final int count;
    private final List<List<Call>> layers = new ArrayList<>(); // by node, and last the result as the caller wants it
    private final List<memory.desc> values = new ArrayList<>(); // by number: layouts
    private final List<Integer> homes = new ArrayList<>(); // by number: the value in whose memory it is
    private final int result;
    private final int[] places; // by number: which piece of a workspace, or OUTSIDE
    private final long[] pieces; // bytes

    /** Of the images and the result, which are the caller's. */
    static final int OUTSIDE = -1;

    /**
     * @param count of images
     * @param shapes of the nodes' values, without the batch
     * @param type of the values between layers
     */
    OneDnnPlan(
            List<FusedNode> nodes,
            long[][] shapes,
            int count,
            data_type type,
            OneDnnWeights weights,
            OneDnnAutotuner trials) {
        this.count = count;
        this.keeper = new PointerScope();
        try (keeper) {
            for (int i = 0; i < shapes.length; i++) {
                values.add(OneDnn.any(type, 1)); // until it is defined
                homes.add(i);
            }
            values.set(0, OneDnn.plain(data_type.f32, Shapes.batched(count, shapes[0])));
            OneDnnLayers maker = new OneDnnLayers(this, shapes, count, type, weights, trials);
            for (int i = 0; i < nodes.size(); i++) {
                layers.add(new ArrayList<>());
                maker.add(i, nodes.get(i));
            }
            layers.add(new ArrayList<>());
            int last = nodes.get(nodes.size() - 1).output();
            this.result = define(OneDnn.plain(data_type.f32, Shapes.batched(count, shapes[last])));
            reorder(last, result);
            this.places = new int[values.size()];
            this.pieces = place();
            keeper.extend();
        }
    }

    // --- for the one who makes the layers ---

    memory.desc layout(int value) {
        return values.get(value);
    }

    /** Gives a node's value its layout, and memory of its own. */
    void define(int value, memory.desc layout) {
        values.set(value, layout);
    }

    /** A value between nodes. */
    int define(memory.desc layout) {
        values.add(layout);
        homes.add(values.size() - 1);
        return values.size() - 1;
    }

    /** Gives a value the memory of another, which is read no more once this one is written. */
    void share(int value, int other) {
        homes.set(value, homes.get(other));
    }

    /** A value in a layout: itself, or what a call makes of it. */
    int in(int value, memory.desc layout) {
        if (values.get(value).equals(layout)) {
            return value;
        }
        int other = define(layout);
        reorder(value, other);
        return other;
    }

    private void reorder(int from, int to) {
        reorder.primitive_desc how = new reorder.primitive_desc(
                OneDnn.engine(), values.get(from), OneDnn.engine(), values.get(to), OneDnnLayers.attributes(), false);
        call(new reorder(how), how, Argument.of(dnnl.DNNL_ARG_FROM, from), Argument.of(dnnl.DNNL_ARG_TO, to));
    }

    /** Adds a call to the layer that is being made. */
    void call(primitive primitive, primitive_desc_base how, Argument... arguments) {
        layers.get(layers.size() - 1).add(new Call(primitive, List.of(arguments), how.scratchpad_desc()));
    }

    // --- memory ---

    /** Values that are never needed at the same time share memory. */
    private long[] place() {
        List<Call> calls = layers.stream().flatMap(List::stream).toList();
        int[] lastUse = new int[values.size()]; // of a home
        for (int i = 0; i < calls.size(); i++) {
            for (Argument argument : calls.get(i).arguments()) {
                if (argument.constant() == null) {
                    lastUse[homes.get(argument.value())] = i;
                }
            }
        }
        List<Long> bytes = new ArrayList<>();
        List<Integer> free = new ArrayList<>();
        int[] place = new int[values.size()]; // of a home
        Arrays.fill(place, Integer.MAX_VALUE);
        place[0] = OUTSIDE;
        place[result] = OUTSIDE;
        for (int i = 0; i < calls.size(); i++) {
            List<Integer> over = new ArrayList<>();
            for (Argument argument : calls.get(i).arguments()) {
                if (argument.constant() != null) {
                    continue;
                }
                int home = homes.get(argument.value());
                if (place[home] == Integer.MAX_VALUE) {
                    place[home] = take(values.get(argument.value()).get_size(), bytes, free);
                }
                if (lastUse[home] == i && place[home] != OUTSIDE && !over.contains(place[home])) {
                    over.add(place[home]);
                }
            }
            free.addAll(over);
        }
        for (int i = 0; i < places.length; i++) {
            places[i] = place[homes.get(i)];
        }
        return bytes.stream().mapToLong(Long::longValue).toArray();
    }

    /** The smallest free piece that is large enough; else the largest, made larger; else a new one. */
    private static int take(long size, List<Long> bytes, List<Integer> free) {
        Integer best = null;
        for (Integer piece : free) {
            if (best == null) {
                best = piece;
            } else if (bytes.get(best) < size
                    ? bytes.get(piece) > bytes.get(best)
                    : bytes.get(piece) >= size && bytes.get(piece) < bytes.get(best)) {
                best = piece;
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

    /** By node; and after the last what gives the result. */
    List<List<Call>> layers() {
        return layers;
    }

    /** How many images. */
    int count() {
        return count;
    }

    /** How many values there are. */
    int values() {
        return values.size();
    }

    /** Number of the value that is the embeddings, [count, D], float32. */
    int result() {
        return result;
    }

    /** Which piece of memory a value is in, or {@link #OUTSIDE}; values that nothing needs are in none. */
    int place(int value) {
        return places[value];
    }

    /** Sizes of the pieces, in bytes. */
    long[] pieces() {
        return pieces.clone();
    }

    /** What the call that needs the most needs besides, in bytes. */
    long scratchBytes() {
        return layers.stream()
                .flatMap(List::stream)
                .mapToLong(call -> call.scratch().get_size())
                .max()
                .orElse(0);
    }

    /** Size of a workspace in bytes. */
    long workspaceBytes() {
        return Arrays.stream(pieces).sum() + scratchBytes();
    }

    @Override
    public void close() {
        keeper.close();
    }
}
