package org.facerecognition.inference;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.bytedeco.dnnl.convolution_forward;
import org.bytedeco.dnnl.global.dnnl;
import org.bytedeco.dnnl.global.dnnl.algorithm;
import org.bytedeco.dnnl.global.dnnl.prop_kind;
import org.bytedeco.dnnl.memory;
import org.bytedeco.dnnl.memory.data_type;
import org.bytedeco.dnnl.memory.format_tag;
import org.bytedeco.dnnl.post_ops;
import org.bytedeco.dnnl.primitive_attr;
import org.facerecognition.graph.Operation.Convolution;
import org.facerecognition.graph.Operation.Linear;
import org.facerecognition.graph.Operation.Pointwise;
import org.facerecognition.inference.OneDnnPlan.Argument;
import org.facerecognition.inference.OneDnnPlan.Call;
import org.facerecognition.inference.OneDnnPointwise.PostOp;
import org.facerecognition.inference.OneDnnWeights.Vector;
import org.jspecify.annotations.Nullable;

/**
 * Convolutions and linear layers in oneDNN, with the addition and the pointwise operation that are fused with them as
 * post-ops. Convolutions choose the layouts of their input, weights and result; {@link OneDnnAutotuner} chooses the
 * implementation.
 */
final class OneDnnConvolution {
    private final OneDnnPlan plan;
    private final OneDnnWeights weights;
    private final OneDnnAutotuner autotuner;
    private final OneDnnPointwise pointwise;

    OneDnnConvolution(OneDnnPlan plan, OneDnnWeights weights, OneDnnAutotuner autotuner, OneDnnPointwise pointwise) {
        this.plan = plan;
        this.weights = weights;
        this.autotuner = autotuner;
        this.pointwise = pointwise;
    }

    /** Adds the calls of a node that is a convolution. */
    void add(FusedNode node, Convolution c) {
        PostOp postOp = fusiblePostOp(node, c);
        Pointwise separate = postOp == null ? node.then() : null;
        convolution_forward.primitive_desc descriptor = choose(node, c, postOp);
        int input = plan.inLayout(plan.input(node, 0), descriptor.src_desc());
        memory.desc layout = descriptor.dst_desc();
        plan.define(node.output(), layout);
        int output = separate == null ? node.output() : plan.define(layout);
        if (node.addsInPlace()) {
            plan.share(node.output(), node.addend());
            plan.share(output, node.addend());
        }
        plan.add(call(node.output(), c, descriptor, input, output, postOpArguments(node, postOp)));
        if (separate != null) {
            pointwise.add(separate, output, node.output());
        }
    }

    /**
     * Adds the calls of a node that is a linear layer: a convolution of images of one pixel. Unlike oneDNN's matrix
     * product, it sums in the same order for any number of rows.
     */
    void add(FusedNode node, Linear l) {
        long out = l.weight().size(0);
        long in = l.weight().size(1);
        int pixels = plan.define(onePixel(node, in));
        plan.share(pixels, plan.input(node, 0));
        int result = plan.define(onePixel(node, out));
        plan.define(node.output(), OneDnn.rowMajor(plan.type(), plan.shape(node.output())));
        plan.share(result, node.output());
        Convolution c = new Convolution(l.weight().view(out, in, 1, 1), l.bias(), 1, 0, 1);
        var descriptor = describe(c, plan.layout(pixels), plan.layout(result), OneDnn.attributes());
        plan.add(call(node.output(), c, descriptor, pixels, result, List.of()));
    }

    /** Returns the layout of rows as images of one pixel. */
    private memory.desc onePixel(FusedNode node, long channels) {
        long count = plan.shape(node.output())[0];
        return new memory.desc(new long[] {count, channels, 1, 1}, plan.type(), format_tag.acdb);
    }

    /** Returns the node's pointwise operation as a post-op, or null if only the slow reference code supports it. */
    private @Nullable PostOp fusiblePostOp(FusedNode node, Convolution c) {
        if (node.then() == null) {
            return null;
        }
        PostOp postOp = PostOp.of(node.then());
        boolean slow = OneDnnAutotuner.isReference(describe(node, c, postOp, true));
        return slow ? null : postOp;
    }

    /** Depthwise, grouped and 1x1 convolutions are not tuned: oneDNN's first implementation is used. */
    private convolution_forward.primitive_desc choose(FusedNode node, Convolution c, @Nullable PostOp postOp) {
        if (c.groups() > 1 || c.weight().size(2) == 1) {
            return describe(node, c, postOp, true);
        }
        long[] shape = plan.shape(node.output());
        String layer = LayerCost.Kind.of(node) + Arrays.toString(Arrays.copyOfRange(shape, 1, shape.length));
        return autotuner.best(layer, () -> describe(node, c, postOp, true), () -> describe(node, c, postOp, false));
    }

    /**
     * Describes a node to oneDNN.
     *
     * @param withArguments whether to include the post-ops whose operands are arguments of the call
     */
    private convolution_forward.primitive_desc describe(
            FusedNode node, Convolution c, @Nullable PostOp postOp, boolean withArguments) {
        post_ops postOps = new post_ops();
        if (node.addsInPlace()) {
            postOps.append_sum();
        } else if (withArguments && node.addend() != FusedNode.NONE) {
            postOps.append_binary(algorithm.binary_add, plan.layout(node.addend()));
        }
        if (postOp != null && (withArguments || postOp.slopes() == null)) {
            postOp.append().accept(postOps);
        }
        primitive_attr attributes = OneDnn.attributes();
        attributes.set_post_ops(postOps);
        int input = node.inputs().get(0);
        return describe(
                c,
                input == 0
                        ? OneDnn.rowMajor(plan.type(), plan.shape(0))
                        : OneDnn.anyLayout(plan.type(), plan.shape(input)),
                node.addsInPlace()
                        ? plan.layout(node.addend())
                        : OneDnn.anyLayout(plan.type(), plan.shape(node.output())),
                attributes);
    }

    private convolution_forward.primitive_desc describe(
            Convolution c, memory.desc from, memory.desc to, primitive_attr attributes) {
        return new convolution_forward.primitive_desc(
                OneDnn.engine(),
                prop_kind.forward_inference,
                algorithm.convolution_direct,
                from,
                OneDnn.anyLayout(plan.type(), weightShape(c)),
                c.bias() == null
                        ? new memory.desc()
                        : OneDnn.rowMajor(data_type.f32, c.bias().numel()),
                to,
                new long[] {c.stride(), c.stride()},
                new long[] {c.padding(), c.padding()},
                new long[] {c.padding(), c.padding()},
                attributes,
                false);
    }

    private List<Argument> postOpArguments(FusedNode node, @Nullable PostOp postOp) {
        List<Argument> arguments = new ArrayList<>();
        if (node.addend() != FusedNode.NONE && !node.addsInPlace()) {
            arguments.add(Argument.of(postOpKind(0) | dnnl.DNNL_ARG_SRC_1, node.addend()));
        }
        if (postOp != null && postOp.slopes() != null) {
            int position = node.addend() == FusedNode.NONE ? 0 : 1;
            arguments.add(Argument.of(
                    postOpKind(position) | dnnl.DNNL_ARG_WEIGHTS, pointwise.slopes(node.output(), postOp.slopes())));
        }
        return arguments;
    }

    private static int postOpKind(int position) {
        return dnnl.DNNL_ARG_ATTR_MULTIPLE_POST_OP_BASE * (position + 1);
    }

    private Call call(
            int layer,
            Convolution c,
            convolution_forward.primitive_desc descriptor,
            int input,
            int output,
            List<Argument> postOpArguments) {
        List<Argument> arguments = new ArrayList<>(postOpArguments);
        arguments.add(Argument.of(dnnl.DNNL_ARG_SRC, input));
        arguments.add(Argument.of(
                dnnl.DNNL_ARG_WEIGHTS, weights.matrix(layer, c.weight(), weightShape(c), descriptor.weights_desc())));
        arguments.add(Argument.of(dnnl.DNNL_ARG_DST, output));
        if (c.bias() != null) {
            memory bias = weights.vector(layer, Vector.BIAS, c.bias(), c.bias().numel());
            arguments.add(Argument.of(dnnl.DNNL_ARG_BIAS, bias));
        }
        return Call.of(new convolution_forward(descriptor), descriptor, arguments.toArray(Argument[]::new));
    }

    /** Returns [out, in, height, width], with the groups as a further first dimension if there are several. */
    private static long[] weightShape(Convolution c) {
        long[] shape = c.weight().shape();
        return c.groups() == 1 ? shape : new long[] {c.groups(), shape[0] / c.groups(), shape[1], shape[2], shape[3]};
    }
}
