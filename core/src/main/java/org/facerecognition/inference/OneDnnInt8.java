package org.facerecognition.inference;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.bytedeco.dnnl.global.dnnl;
import org.bytedeco.dnnl.memory;
import org.bytedeco.dnnl.memory.data_type;
import org.bytedeco.dnnl.memory.format_tag;
import org.bytedeco.dnnl.primitive_attr;
import org.bytedeco.dnnl.reorder;
import org.facerecognition.graph.Operation.Convolution;
import org.facerecognition.inference.Int8Ranges.Range;
import org.facerecognition.inference.OneDnnPlan.Argument;
import org.facerecognition.inference.OneDnnPlan.Call;
import org.jspecify.annotations.Nullable;

/**
 * The convolutions of a plan that multiply 8-bit integers, and the values that are stored so: Jacob et al.,
 * "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference", CVPR 2018, with
 * symmetric ranges, those of weights for each output channel. Sums are exact; biases, additions and activations are in
 * float32.
 *
 * <p>The first convolution, depthwise and grouped ones, those with few input channels, and linear layers stay in
 * float32: they are a small part of the time, and in depthwise ones the errors are largest.
 */
final class OneDnnInt8 {
    private static final int MIN_CHANNELS = 16; // of the input

    private final OneDnnPlan plan;
    private final OneDnnWeights weights;
    private final @Nullable Int8Ranges ranges;
    private final Set<Integer> convolutions = new HashSet<>(); // by the values that they produce
    private final Set<Integer> stored = new HashSet<>(); // values that only such convolutions read
    private final Map<Integer, Map<memory.desc, Integer>> converted = new HashMap<>(); // by value and layout

    /** @param ranges null if all values are floating-point numbers */
    OneDnnInt8(OneDnnPlan plan, List<FusedNode> nodes, OneDnnWeights weights, @Nullable Int8Ranges ranges) {
        this.plan = plan;
        this.weights = weights;
        this.ranges = ranges;
        if (ranges == null) {
            return;
        }
        for (FusedNode node : nodes) {
            if (isCandidate(node) && ranges.values().containsKey(node.inputs().get(0))) {
                convolutions.add(node.output());
            }
        }
        stored.addAll(convolutions);
        stored.retainAll(ranges.values().keySet());
        stored.remove(nodes.get(nodes.size() - 1).output());
        for (FusedNode node : nodes) {
            stored.remove(node.addend());
            if (!convolutions.contains(node.output())) {
                node.inputs().forEach(stored::remove);
            }
        }
    }

    /** Returns whether a layer could multiply integers. */
    static boolean isCandidate(FusedNode node) {
        return node.operation() instanceof Convolution c
                && c.groups() == 1
                && c.weight().size(1) >= MIN_CHANNELS
                && node.inputs().get(0) != 0;
    }

    /** Returns whether any node may multiply integers. */
    boolean isUsed() {
        return ranges != null;
    }

    /** Returns whether a node multiplies integers. */
    boolean runs(FusedNode node) {
        return convolutions.contains(node.output());
    }

    /** Returns whether a value is stored as integers. */
    boolean stores(int value) {
        return stored.contains(value);
    }

    /** Keeps a value in floating-point numbers, because an operation of its own writes it. */
    void keepInFloats(int value) {
        stored.remove(value);
    }

    /** Lets a node compute in floating-point numbers, because oneDNN has only slow code for integers there. */
    void keepInFloats(FusedNode node) {
        convolutions.remove(node.output());
        stored.remove(node.output());
    }

    /** Returns how many convolutions multiply integers. */
    int layers() {
        return convolutions.size();
    }

    /**
     * Returns a node whose addend has the layout of what integer convolutions write, with the channels of a pixel
     * together; of others oneDNN has only slow code. The addend may be a copy, which the sum overwrites.
     */
    FusedNode withAddend(FusedNode node) {
        if (!runs(node) || node.addend() == FusedNode.NONE) {
            return node;
        }
        int addend =
                plan.inLayout(node.addend(), new memory.desc(plan.shape(node.output()), plan.type(), format_tag.acdb));
        if (addend == node.addend()) {
            return node;
        }
        List<Integer> dead = new ArrayList<>(node.dead());
        dead.add(addend);
        return new FusedNode(node.operation(), node.then(), node.inputs(), addend, node.output(), dead);
    }

    /** Returns the type in which a value is written. */
    data_type type(int value) {
        return stores(value) ? integers(value) : plan.type();
    }

    /** Returns the type of integers that a value becomes. */
    data_type integers(int value) {
        return range(value).signed() ? data_type.s8 : data_type.u8;
    }

    private Range range(int value) {
        return Objects.requireNonNull(Objects.requireNonNull(ranges).values().get(value));
    }

    /** Returns a value as integers in a layout, which a reorder produces unless there is one already. */
    int integersInLayout(int value, memory.desc layout) {
        if (stores(value)) {
            return plan.inLayout(value, layout);
        }
        Map<memory.desc, Integer> known = converted.computeIfAbsent(value, number -> new HashMap<>());
        for (Map.Entry<memory.desc, Integer> one : known.entrySet()) {
            if (one.getKey().equals(layout)) {
                return one.getValue();
            }
        }
        int result = plan.define(layout);
        primitive_attr attributes = OneDnn.attributes();
        attributes.set_scales_mask(dnnl.DNNL_ARG_TO, 0);
        reorder.primitive_desc descriptor = new reorder.primitive_desc(
                OneDnn.engine(), plan.layout(value), OneDnn.engine(), layout, attributes, false);
        plan.add(Call.of(
                new reorder(descriptor),
                descriptor,
                Argument.of(dnnl.DNNL_ARG_FROM, value),
                Argument.of(dnnl.DNNL_ARG_TO, result),
                Argument.of(dnnl.DNNL_ARG_ATTR_SCALES | dnnl.DNNL_ARG_TO, scale(value))));
        known.put(layout, result);
        return result;
    }

    /** Returns a value as floating-point numbers, which a reorder produces if it is stored as integers. */
    int floats(int value) {
        if (!stores(value)) {
            return value;
        }
        int result = plan.define(new memory.desc(plan.shape(value), plan.type(), format_tag.acdb));
        primitive_attr attributes = OneDnn.attributes();
        attributes.set_scales_mask(dnnl.DNNL_ARG_FROM, 0);
        reorder.primitive_desc descriptor = new reorder.primitive_desc(
                OneDnn.engine(), plan.layout(value), OneDnn.engine(), plan.layout(result), attributes, false);
        plan.add(Call.of(
                new reorder(descriptor),
                descriptor,
                Argument.of(dnnl.DNNL_ARG_FROM, value),
                Argument.of(dnnl.DNNL_ARG_TO, result),
                Argument.of(dnnl.DNNL_ARG_ATTR_SCALES | dnnl.DNNL_ARG_FROM, scale(value))));
        return result;
    }

    private memory scale(int value) {
        return weights.valueScale(value, range(value).scale());
    }

    /** Adds the scales of a node's input, weights and result to the attributes of its convolution. */
    void setScales(FusedNode node, primitive_attr attributes) {
        if (runs(node)) {
            attributes.set_scales_mask(dnnl.DNNL_ARG_SRC, 0);
            attributes.set_scales_mask(dnnl.DNNL_ARG_WEIGHTS, 1);
            if (stores(node.output())) {
                attributes.set_scales_mask(dnnl.DNNL_ARG_DST, 0);
            }
        }
    }

    /** Adds a node's weights and scales to the arguments of its convolution. */
    void addArguments(FusedNode node, Convolution c, memory.desc layout, List<Argument> arguments) {
        int input = node.inputs().get(0);
        arguments.add(Argument.of(
                dnnl.DNNL_ARG_WEIGHTS,
                weights.integers(
                        node.output(),
                        c.weight(),
                        layout,
                        largestWeight(range(input).signed()))));
        arguments.add(Argument.of(dnnl.DNNL_ARG_ATTR_SCALES | dnnl.DNNL_ARG_SRC, scale(input)));
        arguments.add(
                Argument.of(dnnl.DNNL_ARG_ATTR_SCALES | dnnl.DNNL_ARG_WEIGHTS, weights.weightScales(node.output())));
        if (stores(node.output())) {
            arguments.add(Argument.of(dnnl.DNNL_ARG_ATTR_SCALES | dnnl.DNNL_ARG_DST, scale(node.output())));
        }
    }

    /**
     * Returns the largest magnitude of an integer weight. Processors without the dot product of bytes (VNNI) add two
     * products in 16 bits, where two of 255 and 127 have no room; for signed values oneDNN itself halves the weights.
     */
    static int largestWeight(boolean signed) {
        return signed || OneDnn.multipliesBytes() ? Byte.MAX_VALUE : Byte.MAX_VALUE / 2;
    }
}
