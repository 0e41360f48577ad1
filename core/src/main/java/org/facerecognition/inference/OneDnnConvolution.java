package org.facerecognition.inference;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
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
import org.facerecognition.inference.OneDnnSlabs.InputRows;
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

    private static final long MIN_WEIGHTS_IN_PARTS = 100_000; // which take longer to read than to multiply

    /** Weights for each value of input and result from which copying results is faster than reading weights again. */
    private static final long MIN_WEIGHTS_PER_VALUE = 8;

    /** Which layouts a layer's input and result may have. */
    enum Layouts {
        /** Those that its fastest implementation has. */
        ANY,
        /** Those that they have; the first implementation is taken. */
        DEFINED,
        /** Those that they have; the implementation is taken that reads weights once, in their order. */
        UNFOLDED
    }

    /** What the layers of a plan share. */
    record Tools(
            OneDnnPlan plan,
            OneDnnWeights weights,
            OneDnnAutotuner autotuner,
            OneDnnPointwise pointwise,
            OneDnnInt8 int8) {}

    private final OneDnnPlan plan;
    private final OneDnnWeights weights;
    private final OneDnnAutotuner autotuner;
    private final OneDnnPointwise pointwise;
    private final OneDnnInt8 int8;
    private final int layer; // the number by which weights are kept
    private final FusedNode node;
    private final Convolution convolution;
    private final long[] from; // [B, C, H, W] of the input
    private final long[] to; // [B, C, H, W] of the result
    private final Layouts layouts;
    private final @Nullable PostOp postOp;

    /**
     * Takes a layer.
     *
     * @param layer the number by which its weights are kept
     * @param layouts which layouts its input and its result may have
     */
    OneDnnConvolution(Tools tools, int layer, FusedNode given, Convolution convolution, Layouts layouts) {
        this.plan = tools.plan;
        this.weights = tools.weights;
        this.autotuner = tools.autotuner;
        this.pointwise = tools.pointwise;
        this.int8 = tools.int8;
        this.layer = layer;
        this.convolution = convolution;
        this.from = plan.shape(given.inputs().get(0));
        this.to = plan.shape(given.output());
        this.layouts = layouts;
        if (int8.runs(given) && OneDnnAutotuner.isReference(describe(given.withoutAddend(), null, true))) {
            int8.keepInFloats(given);
        }
        this.node = int8.withAddend(given);
        this.postOp = fusiblePostOp();
    }

    /** Adds the calls of a node that is a convolution to a plan, in the fastest way. */
    static void add(Tools tools, FusedNode node, Convolution c) {
        if (tools.plan.type() == data_type.f32 && !tools.int8.isUsed() && addOtherwise(tools, node, c)) {
            return;
        }
        new OneDnnConvolution(tools, node.output(), withAddendInFastestLayout(tools, node, c), c, Layouts.ANY).add();
    }

    /**
     * Lays out an addend that the sum overwrites as the fastest implementation writes its result. Otherwise that
     * implementation might not be possible, and the sums that follow would be in the same layout.
     */
    private static FusedNode withAddendInFastestLayout(Tools tools, FusedNode node, Convolution c) {
        if (!node.addsInPlace() || !isTuned(c) || tools.int8.isUsed()) {
            return node;
        }
        var fastest = new OneDnnConvolution(tools, node.output(), node.withoutAddend(), c, Layouts.ANY).choose();
        int addend = tools.plan.inLayout(node.addend(), fastest.dst_desc());
        return addend == node.addend()
                ? node
                : new FusedNode(node.operation(), node.then(), node.inputs(), addend, node.output(), List.of(addend));
    }

    /** Adds the calls of a convolution that oneDNN's own takes longer to compute; returns false if it does not. */
    private static boolean addOtherwise(Tools tools, FusedNode node, Convolution c) {
        long[] from = tools.plan.shape(node.inputs().get(0));
        long[] to = tools.plan.shape(node.output());
        Optional<WinogradTiles> tiles = WinogradTiles.of(c, to);
        if (tiles.isPresent() && tools.autotuner.prefers(tiles.get().toString(), c, from, to)) {
            new OneDnnWinograd(tools.plan, tools.weights, tools.pointwise, node, c, tiles.get()).add();
            return true;
        }
        if (OneDnnUnfolding.fits(c, from, to) && tools.autotuner.prefers(OneDnnUnfolding.NAME, c, from, to)) {
            OneDnnUnfolding.add(tools, node, c);
            return true;
        }
        return false;
    }

    /** Adds the calls to the plan. */
    void add() {
        Pointwise separate = postOp == null ? node.then() : null;
        if (separate != null) {
            int8.keepInFloats(node.output());
        }
        convolution_forward.primitive_desc descriptor = choose();
        int input = int8.runs(node)
                ? int8.integersInLayout(node.inputs().get(0), descriptor.src_desc())
                : plan.inLayout(int8.floats(plan.input(node, 0)), descriptor.src_desc());
        memory.desc layout = descriptor.dst_desc();
        plan.define(node.output(), layout);
        int output = separate == null ? node.output() : plan.define(layout);
        if (addsInPlace()) {
            plan.share(node.output(), node.addend());
            plan.share(output, node.addend());
        }
        Step parts = parts(descriptor, input, output);
        plan.add(parts.parts().size() > 1 ? parts : new Step(List.of(List.of(call(descriptor, input, output)))));
        if (separate != null) {
            pointwise.add(separate, layer, output, node.output());
        }
    }

    /** Returns whether the sum overwrites the addend, which has the same type. */
    private boolean addsInPlace() {
        return addsInPlace(node);
    }

    private boolean addsInPlace(FusedNode node) {
        return node.addsInPlace() && !int8.stores(node.output());
    }

    // --- one image: calls that several threads can make at the same time ---

    /** Returns the parts that compute a node's value; none if that is not possible or not worth it. */
    private Step parts(convolution_forward.primitive_desc whole, int input, int output) {
        long count = convolution.weight().count();
        if (plan.parts() == 1 || count < MIN_WEIGHTS_IN_PARTS && count * to[2] * to[3] < MIN_OPERATIONS_IN_PARTS) {
            return new Step(List.of());
        }
        for (OneDnnSlabs results : waysToCut(whole)) {
            List<List<Call>> parts = parts(whole, input, output, results);
            if (!parts.isEmpty()) {
                return new Step(parts);
            }
        }
        return new Step(List.of());
    }

    /** Returns how the results can be cut, the best way first. */
    private List<OneDnnSlabs> waysToCut(convolution_forward.primitive_desc whole) {
        List<OneDnnSlabs> ways = new ArrayList<>(OneDnnSlabs.of(whole.dst_desc(), to, int8.type(node.output())));
        if (!ways.isEmpty() && ways.get(0).axis() == Axis.ROWS) {
            // Every part of the rows would read all weights, and rows of an input with the channels apart are not
            // dense.
            boolean manyWeights =
                    convolution.weight().count() >= MIN_WEIGHTS_PER_VALUE * (Shapes.size(to) + Shapes.size(from));
            ways.add(manyWeights ? 0 : 1, ways.get(0).intoChannels());
        }
        return ways;
    }

    /** Returns the parts of one way to cut the results; none if that is not possible. */
    private List<List<Call>> parts(
            convolution_forward.primitive_desc whole, int input, int output, OneDnnSlabs results) {
        int parts = plan.parts();
        boolean rows = results.axis() == Axis.ROWS;
        boolean depthwise =
                convolution.groups() == to[1] && convolution.weight().size(1) == 1;
        int graphInput = node.inputs().get(0);
        List<OneDnnSlabs> inputs =
                OneDnnSlabs.of(plan.layout(input), from, int8.runs(node) ? int8.integers(graphInput) : plan.type());
        boolean cutsInput = rows || depthwise;
        List<OneDnnSlabs> addends = node.addend() == FusedNode.NONE
                ? List.of()
                : OneDnnSlabs.of(plan.layout(node.addend()), to, plan.type());
        if (results.axis() == Axis.CHANNELS_OF_PIXELS) {
            addends = addends.stream().map(OneDnnSlabs::intoChannels).toList();
        }
        boolean possible = results.hasParts(parts)
                && (rows || depthwise || convolution.groups() == 1)
                && (rows || !int8.runs(node))
                && (!cutsInput || (!inputs.isEmpty() && inputs.get(0).matches(results)))
                && (node.addend() == FusedNode.NONE
                        || !addends.isEmpty() && addends.get(0).matches(results));
        long block = results.axis() == Axis.CHANNELS_OF_PIXELS ? OneDnn.block(whole.weights_desc()) : 1;
        List<List<Call>> calls = new ArrayList<>();
        for (int i = 0; i < parts && possible; i++) {
            long begin = results.start(i, parts, block);
            long end = results.start(i + 1, parts, block);
            possible = end > begin;
            if (possible) {
                Part part = new Part(
                        results,
                        cutsInput ? inputs.get(0) : null,
                        addends.isEmpty() ? null : addends.get(0),
                        begin,
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
        private final Convolution ofPart; // of the part's channels
        private final OneDnnSlabs results;
        private final @Nullable OneDnnSlabs inputs; // null if the part needs all of the input
        private final @Nullable OneDnnSlabs addends; // null if nothing is added; may have another type than the results
        private final boolean rows;
        private final long begin;
        private final long end;

        Part(OneDnnSlabs results, @Nullable OneDnnSlabs inputs, @Nullable OneDnnSlabs addends, long begin, long end) {
            this.results = results;
            this.inputs = inputs;
            this.addends = addends;
            this.rows = results.axis() == Axis.ROWS;
            this.begin = begin;
            this.end = end;
            Convolution c = convolution;
            this.ofPart = rows
                    ? c
                    : new Convolution(
                            c.weight().slice(begin, end),
                            c.bias() == null ? null : c.bias().slice(begin, end),
                            c.window(),
                            c.groups() == 1 ? 1 : (int) (end - begin));
        }

        /** Returns the calls; none if oneDNN computes the part in another way than the whole. */
        List<Call> calls(convolution_forward.primitive_desc chosen, int input, int output) {
            Window window = ofPart.window();
            long[] padding = {window.top(), window.bottom()};
            Slab inputSlab = null;
            if (inputs != null && rows) {
                InputRows read = InputRows.of(window, ofPart.weight().size(2), begin, end, from[2]);
                padding = read.padding();
                inputSlab = inputs.between(read.from(), read.to());
            } else if (inputs != null) {
                inputSlab = inputs.between(begin, end);
            }
            boolean copied = results.axis() == Axis.CHANNELS_OF_PIXELS; // to and from dense memory
            Slab result = results.between(begin, end);
            memory.desc resultLayout = copied ? results.dense(begin, end) : result.layout();
            Slab added = addends == null ? result : addends.between(begin, end);
            memory.desc addedLayout = copied && addends != null ? addends.dense(begin, end) : added.layout();
            var descriptor = implementation(
                    name(chosen),
                    describe(
                            ofPart,
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
                    int dense = addsInPlace() ? target.value() : plan.define(addedLayout);
                    calls.add(OneDnnPlan.reorder(
                            added.layout(),
                            Argument.of(dnnl.DNNL_ARG_FROM, node.addend(), added),
                            addedLayout,
                            Argument.of(dnnl.DNNL_ARG_TO, dense)));
                    addend = Argument.of(addend.kind(), dense);
                }
                if (!addsInPlace()) {
                    arguments.add(addend);
                }
            }
            if (postOp != null && postOp.slopes() != null) {
                int position = node.addend() == FusedNode.NONE ? 0 : 1;
                memory slopes = pointwise.slopes(layer, to, postOp.slopes(), to[1]);
                if (!rows) {
                    slopes = weights.vectorPart(layer, Vector.SLOPES, begin, 1, end - begin, 1, 1);
                }
                arguments.add(Argument.of(postOpKind(position) | dnnl.DNNL_ARG_WEIGHTS, slopes));
            }
            arguments.add(
                    inputSlab == null
                            ? Argument.of(dnnl.DNNL_ARG_SRC, input)
                            : Argument.of(dnnl.DNNL_ARG_SRC, input, inputSlab));
            arguments.add(target);
            calls.add(rows ? call(descriptor, arguments) : callOfChannels(chosen, descriptor, arguments));
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
            weights.matrix(layer, convolution.weight(), weightShape(convolution), chosen.weights_desc());
            memory matrix = weights.matrixPart(
                    layer,
                    weightShape(convolution),
                    begin, // of a depthwise convolution, each group is a channel
                    weightShape(ofPart),
                    descriptor.weights_desc());
            arguments.add(Argument.of(dnnl.DNNL_ARG_WEIGHTS, matrix));
            if (convolution.bias() != null) {
                weights.vector(
                        layer,
                        Vector.BIAS,
                        convolution.bias(),
                        convolution.bias().count());
                arguments.add(
                        Argument.of(dnnl.DNNL_ARG_BIAS, weights.vectorPart(layer, Vector.BIAS, begin, end - begin)));
            }
            return Call.of(new convolution_forward(descriptor), descriptor, arguments.toArray(Argument[]::new));
        }
    }

    /** Returns the implementation of a name, so that the sums are the same; null if there is none. */
    private static convolution_forward.@Nullable primitive_desc implementation(
            String name, convolution_forward.primitive_desc descriptor) {
        do {
            if (name(descriptor).equals(name)) {
                return descriptor;
            }
        } while (descriptor.next_impl());
        return null;
    }

    private static String name(convolution_forward.primitive_desc descriptor) {
        return descriptor.impl_info_str().getString();
    }

    /**
     * Adds the calls of a node that is a linear layer: a convolution of images of one pixel. Unlike oneDNN's matrix
     * product, it sums in the same order for any number of rows.
     */
    static void add(Tools tools, FusedNode node, Linear l) {
        OneDnnPlan plan = tools.plan;
        long count = plan.shape(node.output())[0];
        long out = l.weight().size(0);
        long in = l.weight().size(1);
        int pixels = plan.define(new memory.desc(new long[] {count, in, 1, 1}, plan.type(), format_tag.acdb));
        plan.share(pixels, plan.input(node, 0));
        int result = plan.define(new memory.desc(new long[] {count, out, 1, 1}, plan.type(), format_tag.acdb));
        plan.define(node.output(), OneDnn.rowMajor(plan.type(), plan.shape(node.output())));
        plan.share(result, node.output());
        Convolution c = new Convolution(l.weight().reshape(out, in, 1, 1), l.bias(), 1, 0, 1);
        FusedNode ofPixels = new FusedNode(c, null, List.of(pixels), FusedNode.NONE, result, List.of());
        new OneDnnConvolution(tools, node.output(), ofPixels, c, Layouts.DEFINED).add();
    }

    /** Returns the node's pointwise operation as a post-op, or null if only the slow reference code supports it. */
    private @Nullable PostOp fusiblePostOp() {
        if (node.then() == null) {
            return null;
        }
        PostOp fused = PostOp.of(node.then());
        return OneDnnAutotuner.isReference(describe(node, fused, true)) ? null : fused;
    }

    /** Returns the implementation that the first plan has chosen, whatever number of images this plan is for. */
    private convolution_forward.primitive_desc choose() {
        convolution_forward.primitive_desc chosen = chooseAlone();
        String name = weights.implementation(layer, to, name(chosen));
        if (name(chosen).equals(name)) {
            return chosen;
        }
        var same = implementation(name, describe(node, postOp, true));
        return same == null ? chosen : same;
    }

    /** Depthwise, grouped and 1x1 convolutions are not: oneDNN's first implementation is used. */
    private static boolean isTuned(Convolution c) {
        return c.groups() == 1 && c.weight().size(2) > 1;
    }

    /** Integer convolutions are not tuned either. */
    private convolution_forward.primitive_desc chooseAlone() {
        if (layouts == Layouts.UNFOLDED) {
            return OneDnn.preferring("jit_1x1", () -> describe(node, postOp, true));
        }
        if (!isTuned(convolution) || int8.runs(node)) {
            return describe(node, postOp, true);
        }
        // The same whatever is added or follows, so that the layers of a stage have one layout.
        String key = OneDnnAutotuner.layer("oneDNN", convolution, to)
                + (plan.type() == data_type.f32 ? "" : " in " + plan.type());
        long values = (Shapes.size(from) + Shapes.size(to)) / to[0];
        return autotuner.best(key, values, () -> describe(node, postOp, true), this::describe);
    }

    /** Describes the convolution for a number of images, without a sum and other post-ops that need arguments. */
    private convolution_forward.primitive_desc describe(int count) {
        long[] source = from.clone();
        long[] target = to.clone();
        source[0] = count;
        target[0] = count;
        return describe(
                convolution,
                plan.type(),
                OneDnn.anyLayout(plan.type(), source),
                OneDnn.anyLayout(plan.type(), target),
                new long[] {convolution.window().top(), convolution.window().bottom()},
                attributes(node.withoutAddend(), postOp, null, false));
    }

    /**
     * Describes the node to oneDNN.
     *
     * @param fused the pointwise operation
     * @param withArguments whether to include the post-ops whose operands are arguments of the call
     */
    private convolution_forward.primitive_desc describe(FusedNode node, @Nullable PostOp fused, boolean withArguments) {
        boolean addsValue = node.addend() != FusedNode.NONE && !addsInPlace(node);
        primitive_attr attributes =
                attributes(node, fused, addsValue ? plan.layout(node.addend()) : null, withArguments);
        return describe(
                convolution,
                weightType(node),
                inputLayout(node),
                addsInPlace(node)
                        ? plan.layout(node.addend())
                        : layouts == Layouts.ANY
                                ? OneDnn.anyLayout(int8.type(node.output()), to)
                                : plan.layout(node.output()),
                new long[] {convolution.window().top(), convolution.window().bottom()},
                attributes);
    }

    private memory.desc inputLayout(FusedNode node) {
        int input = node.inputs().get(0);
        if (layouts != Layouts.ANY) {
            return plan.layout(input);
        }
        return OneDnn.anyLayout(int8.runs(node) ? int8.integers(input) : plan.type(), from);
    }

    /**
     * Returns attributes with a node's post-ops; scoped.
     *
     * @param addend the layout of the value that is added; not used if it is added in place
     */
    private primitive_attr attributes(
            FusedNode node, @Nullable PostOp fused, memory.@Nullable desc addend, boolean withArguments) {
        post_ops postOps = new post_ops();
        if (addsInPlace(node)) {
            postOps.append_sum();
        } else if (withArguments && node.addend() != FusedNode.NONE) {
            postOps.append_binary(algorithm.binary_add, addend);
        }
        if (fused != null && (withArguments || fused.slopes() == null)) {
            fused.append().accept(postOps);
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
    private static convolution_forward.primitive_desc describe(
            Convolution c,
            data_type weightType,
            memory.desc from,
            memory.desc to,
            long[] rowPadding,
            primitive_attr attributes) {
        var descriptor = new convolution_forward.primitive_desc(
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
        boolean dilated = c.window().dilationY() > 1 || c.window().dilationX() > 1;
        if (dilated && OneDnn.shape(to)[3] == 1) {
            skipTileProducts(descriptor);
        }
        return descriptor;
    }

    /**
     * Goes on to the first implementation without the processor's products of tiles (AMX). Those of oneDNN 3.11 give
     * wrong sums for dilated convolutions whose results are one column wide.
     */
    private static void skipTileProducts(convolution_forward.primitive_desc descriptor) {
        boolean more = true;
        while (more && name(descriptor).contains("_amx")) {
            more = descriptor.next_impl();
        }
    }

    private static int postOpKind(int position) {
        return dnnl.DNNL_ARG_ATTR_MULTIPLE_POST_OP_BASE * (position + 1);
    }

    /** Returns the call for the whole result. */
    private Call call(convolution_forward.primitive_desc descriptor, int input, int output) {
        List<Argument> arguments = new ArrayList<>();
        if (node.addend() != FusedNode.NONE && !addsInPlace()) {
            arguments.add(Argument.of(postOpKind(0) | dnnl.DNNL_ARG_SRC_1, node.addend()));
        }
        if (postOp != null && postOp.slopes() != null) {
            int position = node.addend() == FusedNode.NONE ? 0 : 1;
            memory slopes = pointwise.slopes(layer, to, postOp.slopes(), to[1]);
            arguments.add(Argument.of(postOpKind(position) | dnnl.DNNL_ARG_WEIGHTS, slopes));
        }
        arguments.add(Argument.of(dnnl.DNNL_ARG_SRC, input));
        arguments.add(Argument.of(dnnl.DNNL_ARG_DST, output));
        return call(descriptor, arguments);
    }

    /** Returns a call with further arguments: the weights. */
    private Call call(convolution_forward.primitive_desc descriptor, List<Argument> arguments) {
        if (int8.runs(node)) {
            int8.addArguments(node, convolution, descriptor.weights_desc(), arguments);
        } else {
            arguments.add(Argument.of(
                    dnnl.DNNL_ARG_WEIGHTS,
                    weights.matrix(layer, convolution.weight(), weightShape(convolution), descriptor.weights_desc())));
        }
        if (convolution.bias() != null) {
            memory bias = weights.vector(
                    layer, Vector.BIAS, convolution.bias(), convolution.bias().count());
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
