package org.facerecognition.inference;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.bytedeco.dnnl.batch_normalization_forward;
import org.bytedeco.dnnl.binary;
import org.bytedeco.dnnl.convolution_forward;
import org.bytedeco.dnnl.eltwise_forward;
import org.bytedeco.dnnl.global.dnnl;
import org.bytedeco.dnnl.global.dnnl.algorithm;
import org.bytedeco.dnnl.global.dnnl.normalization_flags;
import org.bytedeco.dnnl.global.dnnl.prop_kind;
import org.bytedeco.dnnl.global.dnnl.scratchpad_mode;
import org.bytedeco.dnnl.memory;
import org.bytedeco.dnnl.memory.data_type;
import org.bytedeco.dnnl.memory.format_tag;
import org.bytedeco.dnnl.pooling_forward;
import org.bytedeco.dnnl.post_ops;
import org.bytedeco.dnnl.prelu_forward;
import org.bytedeco.dnnl.primitive_attr;
import org.bytedeco.pytorch.Tensor;
import org.facerecognition.graph.Operation;
import org.facerecognition.graph.Operation.Activation;
import org.facerecognition.graph.Operation.BatchNorm;
import org.facerecognition.graph.Operation.Convolution;
import org.facerecognition.graph.Operation.Linear;
import org.facerecognition.graph.Operation.MaxPool;
import org.facerecognition.graph.Operation.PRelu;
import org.facerecognition.inference.OneDnnPlan.Argument;
import org.jspecify.annotations.Nullable;

/** What each operation is to oneDNN. Convolutions choose the layouts; the others take what they find. */
final class OneDnnLayers {
    private static final int WEIGHTS = 1; // of the vectors that a layer may have
    private static final int BIAS = 2;
    private static final int MEAN = 3;
    private static final int VARIANCE = 4;
    private static final int SLOPES = 5;
    private static final int VECTORS = 6;

    private final OneDnnPlan plan;
    private final long[][] shapes;
    private final int count;
    private final data_type type;
    private final OneDnnWeights weights;
    private final OneDnnAutotuner trials;

    OneDnnLayers(
            OneDnnPlan plan,
            long[][] shapes,
            int count,
            data_type type,
            OneDnnWeights weights,
            OneDnnAutotuner trials) {
        this.plan = plan;
        this.shapes = shapes;
        this.count = count;
        this.type = type;
        this.weights = weights;
        this.trials = trials;
    }

    /** Whether all operations are among those that are made here: not those that exports add. */
    static boolean canDo(List<FusedNode> nodes) {
        return nodes.stream()
                .map(FusedNode::operation)
                .noneMatch(operation ->
                        operation instanceof Operation.Normalize || operation instanceof Operation.L2Normalize);
    }

    /** Scratch memory is the workspace's: calls of one primitive from many threads then do not meet. */
    static primitive_attr attributes() {
        primitive_attr attributes = new primitive_attr();
        attributes.set_scratchpad_mode(scratchpad_mode.user);
        return attributes;
    }

    private long[] shape(int value) {
        return Shapes.batched(count, shapes[value]);
    }

    /** A value's layout as it is; of the images in this net's type. */
    private int input(FusedNode node, int index) {
        int value = node.inputs().get(index);
        return value == 0 ? plan.in(0, OneDnn.plain(type, shape(0))) : value;
    }

    /** Adds the calls for a node. */
    void add(int layer, FusedNode node) {
        Operation operation = node.operation();
        if (operation instanceof Convolution c) {
            convolution(layer, node, c);
        } else if (operation instanceof Linear l) {
            linear(layer, node, l);
        } else if (operation instanceof BatchNorm n) {
            batchNorm(layer, node, n);
        } else if (operation instanceof PRelu p) {
            int input = input(node, 0);
            plan.define(node.output(), plan.layout(input));
            prelu(layer, input, node.output(), p);
        } else if (operation instanceof Activation a) {
            int input = input(node, 0);
            plan.define(node.output(), plan.layout(input));
            activation(input, node.output(), a);
        } else if (operation instanceof Operation.Add) {
            ofTwo(node, algorithm.binary_add);
        } else if (operation instanceof Operation.Scale) {
            ofTwo(node, algorithm.binary_mul);
        } else if (operation instanceof MaxPool p) {
            long[] stride = {p.stride(), p.stride()};
            long[] kernel = {p.kernel(), p.kernel()};
            long[] padding = {p.padding(), p.padding()};
            pool(node, algorithm.pooling_max, stride, kernel, padding);
        } else if (operation instanceof Operation.GlobalAveragePool) {
            long[] in = shapes[node.inputs().get(0)];
            pool(
                    node,
                    algorithm.pooling_avg_exclude_padding,
                    new long[] {1, 1},
                    new long[] {in[1], in[2]},
                    new long[2]);
        } else if (operation instanceof Operation.Flatten) {
            int input = node.inputs().get(0);
            int straight = plan.in(input(node, 0), OneDnn.plain(type, shape(input)));
            plan.define(node.output(), OneDnn.plain(type, shape(node.output())));
            plan.share(node.output(), straight);
        } else {
            throw new IllegalArgumentException("cannot run " + operation);
        }
    }

    // --- convolutions ---

    private void convolution(int layer, FusedNode node, Convolution c) {
        Operation fused = node.then();
        if (fused != null && OneDnnAutotuner.name(how(node, c, fused, true)).startsWith("ref")) {
            fused = null; // the fast ones of this processor do not know it
        }
        boolean alone = node.then() != fused;
        Operation with = fused;
        convolution_forward.primitive_desc how = c.groups() == 1 && c.weight().size(2) > 1
                ? trials.best(
                        LayerCost.Kind.of(node) + Arrays.toString(shapes[node.output()]),
                        () -> how(node, c, with, true),
                        () -> how(node, c, with, false))
                : how(node, c, with, true);
        int input = plan.in(input(node, 0), how.src_desc());
        memory.desc layout = how.dst_desc();
        plan.define(node.output(), layout);
        int output = alone ? plan.define(layout) : node.output();
        if (node.addsInPlace()) {
            plan.share(node.output(), node.addend());
            plan.share(output, node.addend());
        }
        List<Argument> more = new ArrayList<>();
        if (node.addend() != FusedNode.NONE && !node.addsInPlace()) {
            more.add(Argument.of(after(0) | dnnl.DNNL_ARG_SRC_1, node.addend()));
        }
        if (fused instanceof PRelu p) {
            int place = node.addend() == FusedNode.NONE ? 0 : 1;
            more.add(Argument.of(after(place) | dnnl.DNNL_ARG_WEIGHTS, slopes(layer, p, shapes[node.output()][0])));
        }
        call(layer, c, how, input, output, more);
        if (alone) {
            then(layer, output, node.output(), node.then());
        }
    }

    private static int after(int place) {
        return dnnl.DNNL_ARG_ATTR_MULTIPLE_POST_OP_BASE * (place + 1);
    }

    /** @param whole else without what needs arguments of its own */
    private convolution_forward.primitive_desc how(
            FusedNode node, Convolution c, @Nullable Operation then, boolean whole) {
        post_ops after = new post_ops();
        if (node.addsInPlace()) {
            after.append_sum();
        } else if (whole && node.addend() != FusedNode.NONE) {
            after.append_binary(algorithm.binary_add, plan.layout(node.addend()));
        }
        if (then instanceof Activation a) {
            after.append_eltwise(algorithm(a), alpha(a), beta(a));
        } else if (whole && then instanceof PRelu) {
            after.append_prelu(1 << 1); // a slope for each channel
        }
        primitive_attr attributes = attributes();
        attributes.set_post_ops(after);
        int input = node.inputs().get(0);
        return how(
                c,
                input == 0 ? OneDnn.plain(type, shape(0)) : OneDnn.any(type, shape(input)),
                node.addsInPlace() ? plan.layout(node.addend()) : OneDnn.any(type, shape(node.output())),
                attributes);
    }

    private convolution_forward.primitive_desc how(
            Convolution c, memory.desc from, memory.desc to, primitive_attr attributes) {
        return new convolution_forward.primitive_desc(
                OneDnn.engine(),
                prop_kind.forward_inference,
                algorithm.convolution_direct,
                from,
                OneDnn.any(type, weightShape(c)),
                c.bias() == null
                        ? new memory.desc()
                        : OneDnn.plain(data_type.f32, c.bias().numel()),
                to,
                new long[] {c.stride(), c.stride()},
                new long[] {c.padding(), c.padding()},
                new long[] {c.padding(), c.padding()},
                attributes,
                false);
    }

    private void call(
            int layer,
            Convolution c,
            convolution_forward.primitive_desc how,
            int input,
            int output,
            List<Argument> more) {
        List<Argument> arguments = new ArrayList<>(more);
        arguments.add(Argument.of(dnnl.DNNL_ARG_SRC, input));
        arguments.add(Argument.of(
                dnnl.DNNL_ARG_WEIGHTS, weights.matrix(layer, c.weight(), weightShape(c), how.weights_desc())));
        arguments.add(Argument.of(dnnl.DNNL_ARG_DST, output));
        if (c.bias() != null) {
            arguments.add(Argument.of(
                    dnnl.DNNL_ARG_BIAS, vector(layer, BIAS, c.bias(), c.bias().numel())));
        }
        plan.call(new convolution_forward(how), how, arguments.toArray(Argument[]::new));
    }

    private static long[] weightShape(Convolution c) {
        long[] shape = c.weight().shape();
        return c.groups() == 1 ? shape : new long[] {c.groups(), shape[0] / c.groups(), shape[1], shape[2], shape[3]};
    }

    // --- the others ---

    /**
     * As a convolution of images of one pixel, which sums up in the same order however many there are. (oneDNN's own
     * product of matrices does not.)
     */
    private void linear(int layer, FusedNode node, Linear l) {
        long out = l.weight().size(0);
        long in = l.weight().size(1);
        int pixels = plan.define(pixels(in));
        plan.share(pixels, input(node, 0));
        int result = plan.define(pixels(out));
        plan.define(node.output(), OneDnn.plain(type, shape(node.output())));
        plan.share(result, node.output());
        Convolution c = new Convolution(l.weight().view(out, in, 1, 1), l.bias(), 1, 0, 1);
        call(layer, c, how(c, plan.layout(pixels), plan.layout(result), attributes()), pixels, result, List.of());
    }

    /** Rows as images of one pixel. */
    private memory.desc pixels(long channels) {
        return new memory.desc(new long[] {count, channels, 1, 1}, type, format_tag.acdb);
    }

    private void batchNorm(int layer, FusedNode node, BatchNorm n) {
        int input = input(node, 0);
        memory.desc layout = plan.layout(input);
        batch_normalization_forward.primitive_desc how = new batch_normalization_forward.primitive_desc(
                OneDnn.engine(),
                prop_kind.forward_inference.value,
                layout,
                layout,
                (float) n.epsilon(),
                normalization_flags.use_global_stats.value
                        | normalization_flags.use_scale.value
                        | normalization_flags.use_shift.value,
                attributes(),
                false);
        plan.define(node.output(), layout);
        long channels = n.mean().numel();
        plan.call(
                new batch_normalization_forward(how),
                how,
                Argument.of(dnnl.DNNL_ARG_SRC, input),
                Argument.of(dnnl.DNNL_ARG_MEAN, vector(layer, MEAN, n.mean(), channels)),
                Argument.of(dnnl.DNNL_ARG_VARIANCE, vector(layer, VARIANCE, n.variance(), channels)),
                Argument.of(dnnl.DNNL_ARG_SCALE, vector(layer, WEIGHTS, n.weight(), channels)),
                Argument.of(dnnl.DNNL_ARG_SHIFT, vector(layer, BIAS, n.bias(), channels)),
                Argument.of(dnnl.DNNL_ARG_DST, node.output()));
    }

    private void then(int layer, int input, int output, Operation then) {
        if (then instanceof PRelu p) {
            prelu(layer, input, output, p);
        } else {
            activation(input, output, (Activation) then);
        }
    }

    private void prelu(int layer, int input, int output, PRelu p) {
        long channels = shapes[output][0];
        memory slopes = shapes[output].length == 1
                ? vector(layer, SLOPES, p.slopes().expand(channels), 1, channels)
                : slopes(layer, p, channels);
        prelu_forward.primitive_desc how = new prelu_forward.primitive_desc(
                OneDnn.engine(),
                prop_kind.forward_inference,
                plan.layout(input),
                slopes.get_desc(),
                plan.layout(output),
                attributes(),
                false);
        plan.call(
                new prelu_forward(how),
                how,
                Argument.of(dnnl.DNNL_ARG_SRC, input),
                Argument.of(dnnl.DNNL_ARG_WEIGHTS, slopes),
                Argument.of(dnnl.DNNL_ARG_DST, output));
    }

    /** [1, C, 1, 1], of images. */
    private memory slopes(int layer, PRelu p, long channels) {
        return vector(layer, SLOPES, p.slopes().expand(channels), 1, channels, 1, 1);
    }

    private memory vector(int layer, int which, Tensor values, long... shape) {
        return weights.vector(layer * VECTORS + which, values, shape);
    }

    private void activation(int input, int output, Activation a) {
        eltwise_forward.primitive_desc how = new eltwise_forward.primitive_desc(
                OneDnn.engine(),
                prop_kind.forward_inference,
                algorithm(a),
                plan.layout(input),
                plan.layout(output),
                alpha(a),
                beta(a),
                attributes(),
                false);
        plan.call(
                new eltwise_forward(how),
                how,
                Argument.of(dnnl.DNNL_ARG_SRC, input),
                Argument.of(dnnl.DNNL_ARG_DST, output));
    }

    private static algorithm algorithm(Activation activation) {
        return switch (activation) {
            case RELU -> algorithm.eltwise_relu;
            case RELU6 -> algorithm.eltwise_clip;
            case SILU -> algorithm.eltwise_swish;
            case SIGMOID -> algorithm.eltwise_logistic;
        };
    }

    /** Slope below zero of a ReLU, lower bound of a clip, factor within a swish's sigmoid. */
    private static float alpha(Activation activation) {
        return activation == Activation.SILU ? 1 : 0;
    }

    private static float beta(Activation activation) {
        return activation == Activation.RELU6 ? 6 : 0;
    }

    private void ofTwo(FusedNode node, algorithm algorithm) {
        int first = input(node, 0);
        int second = input(node, 1);
        memory.desc layout = plan.layout(first);
        if (Arrays.equals(shapes[node.inputs().get(0)], shapes[node.inputs().get(1)])) {
            second = plan.in(second, layout);
        }
        binary.primitive_desc how = new binary.primitive_desc(
                OneDnn.engine(), algorithm, layout, plan.layout(second), layout, attributes(), false);
        plan.define(node.output(), layout);
        plan.call(
                new binary(how),
                how,
                Argument.of(dnnl.DNNL_ARG_SRC_0, first),
                Argument.of(dnnl.DNNL_ARG_SRC_1, second),
                Argument.of(dnnl.DNNL_ARG_DST, node.output()));
    }

    private void pool(FusedNode node, algorithm algorithm, long[] stride, long[] kernel, long[] padding) {
        int input = input(node, 0);
        pooling_forward.primitive_desc how = new pooling_forward.primitive_desc(
                OneDnn.engine(),
                prop_kind.forward_inference,
                algorithm,
                plan.layout(input),
                OneDnn.any(type, shape(node.output())),
                stride,
                kernel,
                new long[2],
                padding,
                padding,
                attributes(),
                false);
        plan.define(node.output(), how.dst_desc());
        plan.call(
                new pooling_forward(how),
                how,
                Argument.of(dnnl.DNNL_ARG_SRC, input),
                Argument.of(dnnl.DNNL_ARG_DST, node.output()));
    }
}
