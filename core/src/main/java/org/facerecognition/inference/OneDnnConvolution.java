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
import org.facerecognition.graph.Window;
import org.facerecognition.inference.OneDnnPlan.Argument;
import org.facerecognition.inference.OneDnnPlan.Call;
import org.facerecognition.inference.OneDnnPlan.Step;
import org.facerecognition.inference.OneDnnPointwise.PostOp;
import org.facerecognition.inference.OneDnnSlabs.Axis;
import org.facerecognition.inference.OneDnnSlabs.Slab;
import org.facerecognition.inference.OneDnnWeights.Vector;
import org.jspecify.annotations.Nullable;

/**
 * Convolutions and linear layers in oneDNN, with the addition and the pointwise operation that are fused with them as
 * post-ops. Convolutions choose the layouts of their input, weights and result; {@link OneDnnAutotuner} chooses the
 * implementation.
 */
/*
 * Long because a convolution and the parts of one are described to oneDNN in the same way, with the same post-ops and
 * arguments, so that both give the same bits.
 */
final class OneDnnConvolution {
    /** Multiplications of a convolution that several threads share; fewer take less time than sharing. */
    private static final long MIN_OPERATIONS_IN_PARTS = 400_000;

    /** Weights for each value of input and result from which copying results is faster than reading weights again. */
    private static final long MIN_WEIGHTS_PER_VALUE = 8;

    private final OneDnnPlan plan;
    private final OneDnnWeights weights;
    private final OneDnnAutotuner autotuner;
    private final OneDnnPointwise pointwise;
    private final OneDnnInt8 int8;

    OneDnnConvolution(
            OneDnnPlan plan,
            OneDnnWeights weights,
            OneDnnAutotuner autotuner,
            OneDnnPointwise pointwise,
            OneDnnInt8 int8) {
        this.plan = plan;
        this.weights = weights;
        this.autotuner = autotuner;
        this.pointwise = pointwise;
        this.int8 = int8;
    }

    /** Adds the calls of a node that is a convolution. */
    void add(FusedNode given, Convolution c) {
        if (int8.runs(given) && OneDnnAutotuner.isReference(describe(given.withoutAddend(), c, null, true))) {
            int8.keepInFloats(given);
        }
        FusedNode node = int8.withAddend(given);
        PostOp postOp = fusiblePostOp(node, c);
        Pointwise separate = postOp == null ? node.then() : null;
        if (separate != null) {
            int8.keepInFloats(node.output());
        }
        convolution_forward.primitive_desc descriptor = choose(node, c, postOp);
        int input = int8.runs(node)
                ? int8.integersInLayout(node.inputs().get(0), descriptor.src_desc())
                : plan.inLayout(int8.floats(plan.input(node, 0)), descriptor.src_desc());
        memory.desc layout = descriptor.dst_desc();
        plan.define(node.output(), layout);
        int output = separate == null ? node.output() : plan.define(layout);
        if (addsInPlace(node)) {
            plan.share(node.output(), node.addend());
            plan.share(output, node.addend());
        }
        Step parts = parts(node, c, postOp, descriptor, input, output);
        plan.add(
                parts.parts().size() > 1
                        ? parts
                        : new Step(List.of(
                                List.of(call(node, c, descriptor, input, output, postOpArguments(node, postOp))))));
        if (separate != null) {
            pointwise.add(separate, output, node.output());
        }
    }

    /** Returns whether the sum overwrites the addend, which has the same type. */
    private boolean addsInPlace(FusedNode node) {
        return node.addsInPlace() && !int8.stores(node.output());
    }

    // --- one image: calls that several threads can make at the same time ---

    /** Returns the parts that compute a node's value; none if that is not possible or not worth it. */
    private Step parts(
            FusedNode node,
            Convolution c,
            @Nullable PostOp postOp,
            convolution_forward.primitive_desc whole,
            int input,
            int output) {
        long[] to = plan.shape(node.output());
        if (plan.parts() == 1 || c.weight().count() * to[2] * to[3] < MIN_OPERATIONS_IN_PARTS) {
            return new Step(List.of());
        }
        for (OneDnnSlabs results : waysToCut(node, c, whole)) {
            List<List<Call>> parts = parts(node, c, postOp, whole, input, output, results);
            if (!parts.isEmpty()) {
                return new Step(parts);
            }
        }
        return new Step(List.of());
    }

    /** Returns how the results can be cut, the best way first. */
    private List<OneDnnSlabs> waysToCut(FusedNode node, Convolution c, convolution_forward.primitive_desc whole) {
        long[] to = plan.shape(node.output());
        List<OneDnnSlabs> ways = new ArrayList<>(OneDnnSlabs.of(whole.dst_desc(), to, int8.type(node.output())));
        long values = Shapes.size(to) + Shapes.size(plan.shape(node.inputs().get(0)));
        if (!ways.isEmpty()
                && ways.get(0).axis() == Axis.ROWS
                && c.weight().count() >= MIN_WEIGHTS_PER_VALUE * values) {
            ways.add(0, ways.get(0).intoChannels()); // every part of the rows would read all weights
        }
        return ways;
    }

    /** Returns the parts of one way to cut the results; none if that is not possible. */
    private List<List<Call>> parts(
            FusedNode node,
            Convolution c,
            @Nullable PostOp postOp,
            convolution_forward.primitive_desc whole,
            int input,
            int output,
            OneDnnSlabs results) {
        int parts = plan.parts();
        boolean rows = results.axis() == Axis.ROWS;
        long[] to = plan.shape(node.output());
        boolean depthwise = c.groups() == to[1] && c.weight().size(1) == 1;
        int graphInput = node.inputs().get(0);
        List<OneDnnSlabs> inputs = OneDnnSlabs.of(
                plan.layout(input), plan.shape(graphInput), int8.runs(node) ? int8.integers(graphInput) : plan.type());
        boolean cutsInput = rows || depthwise;
        List<OneDnnSlabs> addends = node.addend() == FusedNode.NONE
                ? List.of()
                : OneDnnSlabs.of(plan.layout(node.addend()), to, plan.type());
        if (results.axis() == Axis.CHANNELS_OF_PIXELS) {
            addends = addends.stream().map(OneDnnSlabs::intoChannels).toList();
        }
        boolean possible = results.hasParts(parts)
                && (rows || depthwise || c.groups() == 1)
                && (rows || !int8.runs(node))
                && (!cutsInput || (!inputs.isEmpty() && inputs.get(0).matches(results)))
                && (node.addend() == FusedNode.NONE
                        || !addends.isEmpty() && addends.get(0).matches(results));
        long block = results.axis() == Axis.CHANNELS_OF_PIXELS ? OneDnn.block(whole.weights_desc()) : 1;
        List<List<Call>> calls = new ArrayList<>();
        for (int i = 0; i < parts && possible; i++) {
            long from = results.start(i, parts, block);
            long end = results.start(i + 1, parts, block);
            possible = end > from;
            if (possible) {
                Part part = new Part(
                        node,
                        c,
                        postOp,
                        results,
                        cutsInput ? inputs.get(0) : null,
                        addends.isEmpty() ? null : addends.get(0),
                        from,
                        end);
                List<Call> ofPart = part.calls(whole, input, output);
                possible = !ofPart.isEmpty();
                calls.add(ofPart);
            }
        }
        return possible ? calls : List.of();
    }

    /** The part of a convolution's result between two channels or rows. */
    private final class Part {
        private final FusedNode node;
        private final Convolution whole;
        private final Convolution convolution; // of the part's channels
        private final @Nullable PostOp postOp;
        private final OneDnnSlabs results;
        private final @Nullable OneDnnSlabs inputs; // null if the part needs all of the input
        private final @Nullable OneDnnSlabs addends; // null if nothing is added; may have another type than the results
        private final boolean rows;
        private final long from;
        private final long to;

        Part(
                FusedNode node,
                Convolution c,
                @Nullable PostOp postOp,
                OneDnnSlabs results,
                @Nullable OneDnnSlabs inputs,
                @Nullable OneDnnSlabs addends,
                long from,
                long to) {
            this.node = node;
            this.whole = c;
            this.postOp = postOp;
            this.results = results;
            this.inputs = inputs;
            this.addends = addends;
            this.rows = results.axis() == Axis.ROWS;
            this.from = from;
            this.to = to;
            this.convolution = rows
                    ? c
                    : new Convolution(
                            c.weight().slice(from, to),
                            c.bias() == null ? null : c.bias().slice(from, to),
                            c.window(),
                            c.groups() == 1 ? 1 : (int) (to - from));
        }

        /** Returns the calls; none if oneDNN computes the part in another way than the whole. */
        List<Call> calls(convolution_forward.primitive_desc chosen, int input, int output) {
            Window window = convolution.window();
            long[] padding = {window.top(), window.bottom()};
            Slab inputSlab = null;
            if (inputs != null && rows) {
                long first = from * window.strideY() - window.top();
                long end = (to - 1) * window.strideY()
                        - window.top()
                        + window.spanY(convolution.weight().size(2));
                long height = plan.shape(node.inputs().get(0))[2];
                padding = new long[] {Math.max(0, -first), Math.max(0, end - height)};
                inputSlab = inputs.between(Math.max(0, first), Math.min(height, end));
            } else if (inputs != null) {
                inputSlab = inputs.between(from, to);
            }
            boolean copied = results.axis() == Axis.CHANNELS_OF_PIXELS; // to and from dense memory
            Slab result = results.between(from, to);
            memory.desc resultLayout = copied ? results.dense(from, to) : result.layout();
            Slab added = addends == null ? result : addends.between(from, to);
            memory.desc addedLayout = copied && addends != null ? addends.dense(from, to) : added.layout();
            var descriptor = sameImplementation(
                    chosen,
                    describe(
                            convolution,
                            weightType(node),
                            inputSlab == null ? plan.layout(input) : inputSlab.layout(),
                            resultLayout,
                            padding,
                            attributes(node, postOp, addedLayout, true)));
            if (descriptor == null) {
                return List.of();
            }
            List<Call> calls = new ArrayList<>();
            Argument target = Argument.of(dnnl.DNNL_ARG_DST, output, result);
            if (copied) {
                target = Argument.of(dnnl.DNNL_ARG_DST, plan.define(resultLayout));
            }
            List<Argument> arguments = new ArrayList<>();
            if (node.addend() != FusedNode.NONE) {
                Argument addend = Argument.of(postOpKind(0) | dnnl.DNNL_ARG_SRC_1, node.addend(), added);
                if (copied) {
                    int dense = addsInPlace(node) ? target.value() : plan.define(addedLayout);
                    calls.add(OneDnnPlan.reorder(
                            added.layout(),
                            Argument.of(dnnl.DNNL_ARG_FROM, node.addend(), added),
                            addedLayout,
                            Argument.of(dnnl.DNNL_ARG_TO, dense)));
                    addend = Argument.of(addend.kind(), dense);
                }
                if (!addsInPlace(node)) {
                    arguments.add(addend);
                }
            }
            if (postOp != null && postOp.slopes() != null) {
                int position = node.addend() == FusedNode.NONE ? 0 : 1;
                long[] shape = plan.shape(node.output());
                memory slopes = pointwise.slopes(node.output(), shape, postOp.slopes(), shape[1]);
                if (!rows) {
                    slopes = weights.vectorPart(node.output(), Vector.SLOPES, from, 1, to - from, 1, 1);
                }
                arguments.add(Argument.of(postOpKind(position) | dnnl.DNNL_ARG_WEIGHTS, slopes));
            }
            arguments.add(
                    inputSlab == null
                            ? Argument.of(dnnl.DNNL_ARG_SRC, input)
                            : Argument.of(dnnl.DNNL_ARG_SRC, input, inputSlab));
            arguments.add(target);
            calls.add(rows ? call(node, whole, descriptor, arguments) : callOfChannels(chosen, descriptor, arguments));
            if (copied) {
                calls.add(OneDnnPlan.reorder(
                        resultLayout,
                        Argument.of(dnnl.DNNL_ARG_FROM, target.value()),
                        result.layout(),
                        Argument.of(dnnl.DNNL_ARG_TO, output, result)));
            }
            return calls;
        }

        /** Returns a call with further arguments: the weights of the part's channels. */
        private Call callOfChannels(
                convolution_forward.primitive_desc chosen,
                convolution_forward.primitive_desc descriptor,
                List<Argument> arguments) {
            int layer = node.output();
            weights.matrix(layer, whole.weight(), weightShape(whole), chosen.weights_desc());
            memory matrix = weights.matrixPart(
                    layer,
                    weightShape(whole),
                    from, // of a depthwise convolution, each group is a channel
                    weightShape(convolution),
                    descriptor.weights_desc());
            arguments.add(Argument.of(dnnl.DNNL_ARG_WEIGHTS, matrix));
            if (whole.bias() != null) {
                weights.vector(layer, Vector.BIAS, whole.bias(), whole.bias().count());
                arguments.add(Argument.of(dnnl.DNNL_ARG_BIAS, weights.vectorPart(layer, Vector.BIAS, from, to - from)));
            }
            return Call.of(new convolution_forward(descriptor), descriptor, arguments.toArray(Argument[]::new));
        }
    }

    /** Returns the implementation of a part that the whole has, so that the sums are the same; null if none has it. */
    private static convolution_forward.@Nullable primitive_desc sameImplementation(
            convolution_forward.primitive_desc whole, convolution_forward.primitive_desc part) {
        String name = whole.impl_info_str().getString();
        do {
            if (part.impl_info_str().getString().equals(name)) {
                return part;
            }
        } while (part.next_impl());
        return null;
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
        Convolution c = new Convolution(l.weight().reshape(out, in, 1, 1), l.bias(), 1, 0, 1);
        var descriptor = describe(
                c, plan.type(), plan.layout(pixels), plan.layout(result), new long[] {0, 0}, OneDnn.attributes());
        plan.add(call(node, c, descriptor, pixels, result, List.of()));
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

    /** Depthwise, grouped, 1x1 and integer convolutions are not tuned: oneDNN's first implementation is used. */
    private convolution_forward.primitive_desc choose(FusedNode node, Convolution c, @Nullable PostOp postOp) {
        if (c.groups() > 1 || c.weight().size(2) == 1 || int8.runs(node)) {
            return describe(node, c, postOp, true);
        }
        long[] shape = plan.shape(node.output());
        String layer = LayerCost.Kind.of(node)
                + Arrays.toString(Arrays.copyOfRange(shape, 1, shape.length))
                + (plan.type() == data_type.f32 ? "" : " in " + plan.type());
        return autotuner.best(layer, () -> describe(node, c, postOp, true), () -> describe(node, c, postOp, false));
    }

    /**
     * Describes a node to oneDNN.
     *
     * @param withArguments whether to include the post-ops whose operands are arguments of the call
     */
    private convolution_forward.primitive_desc describe(
            FusedNode node, Convolution c, @Nullable PostOp postOp, boolean withArguments) {
        boolean addsValue = node.addend() != FusedNode.NONE && !addsInPlace(node);
        primitive_attr attributes =
                attributes(node, postOp, addsValue ? plan.layout(node.addend()) : null, withArguments);
        int input = node.inputs().get(0);
        return describe(
                c,
                weightType(node),
                input == 0
                        ? OneDnn.rowMajor(plan.type(), plan.shape(0))
                        : OneDnn.anyLayout(int8.runs(node) ? int8.integers(input) : plan.type(), plan.shape(input)),
                addsInPlace(node)
                        ? plan.layout(node.addend())
                        : OneDnn.anyLayout(int8.type(node.output()), plan.shape(node.output())),
                new long[] {c.window().top(), c.window().bottom()},
                attributes);
    }

    /**
     * Returns attributes with a node's post-ops; scoped.
     *
     * @param addend the layout of the value that is added; not used if it is added in place
     */
    private primitive_attr attributes(
            FusedNode node, @Nullable PostOp postOp, memory.@Nullable desc addend, boolean withArguments) {
        post_ops postOps = new post_ops();
        if (addsInPlace(node)) {
            postOps.append_sum();
        } else if (withArguments && node.addend() != FusedNode.NONE) {
            postOps.append_binary(algorithm.binary_add, addend);
        }
        if (postOp != null && (withArguments || postOp.slopes() == null)) {
            postOp.append().accept(postOps);
        }
        primitive_attr attributes = OneDnn.attributes();
        attributes.set_post_ops(postOps);
        int8.setScales(node, attributes);
        return attributes;
    }

    private data_type weightType(FusedNode node) {
        return int8.runs(node) ? data_type.s8 : plan.type();
    }

    /** @param rowPadding above and below */
    private convolution_forward.primitive_desc describe(
            Convolution c,
            data_type weightType,
            memory.desc from,
            memory.desc to,
            long[] rowPadding,
            primitive_attr attributes) {
        return new convolution_forward.primitive_desc(
                OneDnn.engine(),
                prop_kind.forward_inference,
                algorithm.convolution_direct,
                from,
                OneDnn.anyLayout(weightType, weightShape(c)),
                c.bias() == null
                        ? new memory.desc()
                        : OneDnn.rowMajor(data_type.f32, c.bias().count()),
                to,
                c.window().strides(),
                OneDnn.dilations(c.window()),
                new long[] {rowPadding[0], c.window().left()},
                new long[] {rowPadding[1], c.window().right()},
                attributes,
                false);
    }

    private List<Argument> postOpArguments(FusedNode node, @Nullable PostOp postOp) {
        List<Argument> arguments = new ArrayList<>();
        if (node.addend() != FusedNode.NONE && !addsInPlace(node)) {
            arguments.add(Argument.of(postOpKind(0) | dnnl.DNNL_ARG_SRC_1, node.addend()));
        }
        if (postOp != null && postOp.slopes() != null) {
            int position = node.addend() == FusedNode.NONE ? 0 : 1;
            long[] shape = plan.shape(node.output());
            memory slopes = pointwise.slopes(node.output(), shape, postOp.slopes(), shape[1]);
            arguments.add(Argument.of(postOpKind(position) | dnnl.DNNL_ARG_WEIGHTS, slopes));
        }
        return arguments;
    }

    private static int postOpKind(int position) {
        return dnnl.DNNL_ARG_ATTR_MULTIPLE_POST_OP_BASE * (position + 1);
    }

    private Call call(
            FusedNode node,
            Convolution c,
            convolution_forward.primitive_desc descriptor,
            int input,
            int output,
            List<Argument> postOpArguments) {
        List<Argument> arguments = new ArrayList<>(postOpArguments);
        arguments.add(Argument.of(dnnl.DNNL_ARG_SRC, input));
        arguments.add(Argument.of(dnnl.DNNL_ARG_DST, output));
        return call(node, c, descriptor, arguments);
    }

    /** Returns a call with further arguments: the weights. */
    private Call call(
            FusedNode node, Convolution c, convolution_forward.primitive_desc descriptor, List<Argument> arguments) {
        int layer = node.output();
        if (int8.runs(node)) {
            int8.addArguments(node, c, descriptor.weights_desc(), arguments);
        } else {
            arguments.add(Argument.of(
                    dnnl.DNNL_ARG_WEIGHTS,
                    weights.matrix(layer, c.weight(), weightShape(c), descriptor.weights_desc())));
        }
        if (c.bias() != null) {
            memory bias = weights.vector(layer, Vector.BIAS, c.bias(), c.bias().count());
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
