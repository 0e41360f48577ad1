package org.facerecognition.inference;

import java.util.ArrayList;
import java.util.List;
import org.bytedeco.dnnl.concat;
import org.bytedeco.dnnl.dnnl_primitive_desc;
import org.bytedeco.dnnl.global.dnnl;
import org.bytedeco.dnnl.global.dnnl.algorithm;
import org.bytedeco.dnnl.global.dnnl.prop_kind;
import org.bytedeco.dnnl.global.dnnl.query;
import org.bytedeco.dnnl.memory;
import org.bytedeco.dnnl.memory.format_tag;
import org.bytedeco.dnnl.memory_desc_vector;
import org.bytedeco.dnnl.primitive;
import org.bytedeco.dnnl.primitive_desc;
import org.bytedeco.dnnl.reorder;
import org.bytedeco.dnnl.shuffle_forward;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerPointer;
import org.facerecognition.graph.Operation.ShuffleChannels;
import org.facerecognition.graph.Operation.SliceChannels;
import org.facerecognition.inference.OneDnnPlan.Argument;
import org.facerecognition.inference.OneDnnPlan.Call;
import org.facerecognition.inference.OneDnnSlabs.Slab;

/**
 * Operations on whole channels in oneDNN. They work on images whose channels lie together, since blocks of channels
 * would be cut at other places than the channels.
 */
final class OneDnnChannels {
    private static final int CHANNELS = 1; // the dimension

    private final OneDnnPlan plan;

    OneDnnChannels(OneDnnPlan plan) {
        this.plan = plan;
    }

    void concat(FusedNode node) {
        List<Argument> arguments = new ArrayList<>();
        memory_desc_vector inputs = new memory_desc_vector();
        for (int i = 0; i < node.inputs().size(); i++) {
            int input = plan.inLayout(
                    plan.input(node, i), channelsLast(node.inputs().get(i)));
            inputs.push_back(plan.layout(input));
            arguments.add(Argument.of(dnnl.DNNL_ARG_MULTIPLE_SRC + i, input));
        }
        memory.desc layout = channelsLast(node.output());
        plan.define(node.output(), layout);
        arguments.add(Argument.of(dnnl.DNNL_ARG_DST, node.output()));
        concat.primitive_desc descriptor =
                new concat.primitive_desc(OneDnn.engine(), layout, CHANNELS, inputs, OneDnn.attributes(), false);
        plan.add(Call.of(new concat(descriptor), descriptor, arguments.toArray(Argument[]::new)));
    }

    void slice(FusedNode node, SliceChannels s) {
        int input =
                plan.inLayout(plan.input(node, 0), channelsLast(node.inputs().get(0)));
        memory.desc layout = channelsLast(node.output());
        plan.define(node.output(), layout);
        memory.desc part =
                plan.layout(input).submemory_desc(plan.shape(node.output()), new long[] {0, s.from(), 0, 0}, false);
        reorder.primitive_desc descriptor =
                new reorder.primitive_desc(OneDnn.engine(), part, OneDnn.engine(), layout, OneDnn.attributes(), false);
        plan.add(Call.of(
                new reorder(descriptor),
                descriptor,
                Argument.of(dnnl.DNNL_ARG_FROM, input, new Slab(part, 0)),
                Argument.of(dnnl.DNNL_ARG_TO, node.output())));
    }

    void shuffle(FusedNode node, ShuffleChannels s) {
        int input =
                plan.inLayout(plan.input(node, 0), channelsLast(node.inputs().get(0)));
        memory.desc layout = plan.layout(input);
        plan.define(node.output(), layout);
        shuffle_forward.primitive_desc descriptor = new shuffle_forward.primitive_desc(
                OneDnn.engine(),
                prop_kind.forward_inference,
                layout,
                layout,
                CHANNELS,
                s.channels() / s.groups(), // oneDNN counts the channels of a group
                OneDnn.attributes(),
                false);
        plan.add(Call.of(
                new shuffle_forward(descriptor),
                descriptor,
                Argument.of(dnnl.DNNL_ARG_SRC, input),
                Argument.of(dnnl.DNNL_ARG_DST, node.output())));
    }

    /** The preset for Java lacks the constructor of oneDNN's C++ class, so that its function in C is called. */
    void upsample(FusedNode node) {
        int input = plan.input(node, 0);
        memory.desc to = OneDnn.anyLayout(plan.type(), plan.shape(node.output()));
        PointerPointer<Pointer> created = new PointerPointer<>(1);
        int status = dnnl.dnnl_resampling_forward_primitive_desc_create(
                created,
                OneDnn.engine().get(),
                prop_kind.forward_inference.value,
                algorithm.resampling_nearest.value,
                new FloatPointer(), // the factors follow from the shapes
                plan.layout(input).get(),
                to.get(),
                OneDnn.attributes().get());
        if (status != dnnl.dnnl_success) {
            throw new IllegalStateException("oneDNN has no resampling for this layer, status " + status);
        }
        primitive_desc descriptor = new primitive_desc(new dnnl_primitive_desc(created.get(0)));
        plan.define(node.output(), descriptor.query_md(query.dst_md, 0));
        plan.add(Call.of(
                new primitive(descriptor),
                descriptor,
                Argument.of(dnnl.DNNL_ARG_SRC, input),
                Argument.of(dnnl.DNNL_ARG_DST, node.output())));
    }

    /** Returns the layout of a value with all channels of a pixel together; rows are such. */
    private memory.desc channelsLast(int value) {
        long[] shape = plan.shape(value);
        return shape.length == 4
                ? new memory.desc(shape, plan.type(), format_tag.acdb)
                : OneDnn.rowMajor(plan.type(), shape);
    }
}
