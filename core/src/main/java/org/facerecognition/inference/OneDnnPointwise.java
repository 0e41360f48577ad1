package org.facerecognition.inference;

import java.util.function.Consumer;
import org.bytedeco.dnnl.eltwise_forward;
import org.bytedeco.dnnl.global.dnnl;
import org.bytedeco.dnnl.global.dnnl.algorithm;
import org.bytedeco.dnnl.global.dnnl.prop_kind;
import org.bytedeco.dnnl.memory;
import org.bytedeco.dnnl.post_ops;
import org.bytedeco.dnnl.prelu_forward;
import org.facerecognition.graph.Constant;
import org.facerecognition.graph.Operation.Activation;
import org.facerecognition.graph.Operation.Clip;
import org.facerecognition.graph.Operation.HardSigmoid;
import org.facerecognition.graph.Operation.PRelu;
import org.facerecognition.graph.Operation.Pointwise;
import org.facerecognition.graph.Operation.PointwiseVisitor;
import org.facerecognition.inference.OneDnnPlan.Argument;
import org.facerecognition.inference.OneDnnPlan.Call;
import org.facerecognition.inference.OneDnnSlabs.Slab;
import org.facerecognition.inference.OneDnnWeights.Vector;
import org.jspecify.annotations.Nullable;

/** Pointwise operations in oneDNN: as a primitive, or as a post-op that a convolution applies to its result. */
final class OneDnnPointwise {
    private static final int PER_CHANNEL = 1 << 1; // a mask with the bit of dimension 1
    private static final algorithm CLIP = algorithm.eltwise_clip;
    private static final algorithm HARD_SIGMOID = algorithm.eltwise_hardsigmoid;

    private final OneDnnPlan plan;
    private final OneDnnWeights weights;

    OneDnnPointwise(OneDnnPlan plan, OneDnnWeights weights) {
        this.plan = plan;
        this.weights = weights;
    }

    /** Adds the calls of a node that is a pointwise operation. */
    void add(FusedNode node, Pointwise operation) {
        int input = plan.input(node, 0);
        plan.define(node.output(), plan.layout(input));
        add(operation, node.output(), input, node.output());
    }

    /**
     * Adds the call that applies an operation to a value.
     *
     * @param layer the number by which the operation's constants are kept; the same in all plans
     * @param input the number of the value to map
     * @param output the number of the value to write; its layout is defined
     */
    void add(Pointwise operation, int layer, int input, int output) {
        plan.add(operation.acceptPointwise(new PrimitiveCall(layer, input, output, new Slab(plan.layout(output), 0))));
    }

    /**
     * Returns the call that applies an operation to a part of a value.
     *
     * @param input the number of the value to map
     * @param output the number of the graph's value to write
     * @param part of both of them, which have the same layout
     */
    Call call(Pointwise operation, int input, int output, Slab part) {
        return operation.acceptPointwise(new PrimitiveCall(output, input, output, part));
    }

    /**
     * A post-op.
     *
     * @param append appends it to those that a convolution has already
     * @param slopes what the convolution's call needs as an argument for it: the slopes of a PReLU; else null
     */
    record PostOp(Consumer<post_ops> append, @Nullable Constant slopes) {
        static PostOp of(Pointwise operation) {
            return operation.acceptPointwise(POST_OPS);
        }
    }

    private static final PointwiseVisitor<PostOp> POST_OPS = new PointwiseVisitor<>() {
        @Override
        public PostOp activation(Activation a) {
            return new PostOp(operations -> operations.append_eltwise(algorithm(a), alpha(a), beta(a)), null);
        }

        @Override
        public PostOp clip(Clip c) {
            return new PostOp(operations -> operations.append_eltwise(CLIP, (float) c.min(), (float) c.max()), null);
        }

        @Override
        public PostOp hardSigmoid(HardSigmoid h) {
            return new PostOp(
                    operations -> operations.append_eltwise(HARD_SIGMOID, (float) h.alpha(), (float) h.beta()), null);
        }

        @Override
        public PostOp prelu(PRelu p) {
            return new PostOp(operations -> operations.append_prelu(PER_CHANNEL), p.slopes());
        }
    };

    /** Returns the call of a primitive that maps one value to another. */
    private final class PrimitiveCall implements PointwiseVisitor<Call> {
        private final int layer;
        private final int input;
        private final int output;
        private final Slab part;

        PrimitiveCall(int layer, int input, int output, Slab part) {
            this.layer = layer;
            this.input = input;
            this.output = output;
            this.part = part;
        }

        @Override
        public Call activation(Activation a) {
            return eltwise(algorithm(a), alpha(a), beta(a));
        }

        @Override
        public Call clip(Clip c) {
            return eltwise(CLIP, (float) c.min(), (float) c.max());
        }

        @Override
        public Call hardSigmoid(HardSigmoid h) {
            return eltwise(HARD_SIGMOID, (float) h.alpha(), (float) h.beta());
        }

        private Call eltwise(algorithm algorithm, float alpha, float beta) {
            eltwise_forward.primitive_desc descriptor = new eltwise_forward.primitive_desc(
                    OneDnn.engine(),
                    prop_kind.forward_inference,
                    algorithm,
                    part.layout(),
                    part.layout(),
                    alpha,
                    beta,
                    OneDnn.attributes(),
                    false);
            return Call.of(
                    new eltwise_forward(descriptor),
                    descriptor,
                    Argument.of(dnnl.DNNL_ARG_SRC, input, part),
                    Argument.of(dnnl.DNNL_ARG_DST, output, part));
        }

        @Override
        public Call prelu(PRelu p) {
            long[] shape = plan.shape(output);
            memory slopes = slopes(layer, shape, p.slopes(), shape[1]);
            prelu_forward.primitive_desc descriptor = new prelu_forward.primitive_desc(
                    OneDnn.engine(),
                    prop_kind.forward_inference,
                    part.layout(),
                    slopes.get_desc(),
                    part.layout(),
                    OneDnn.attributes(),
                    false);
            return Call.of(
                    new prelu_forward(descriptor),
                    descriptor,
                    Argument.of(dnnl.DNNL_ARG_SRC, input, part),
                    Argument.of(dnnl.DNNL_ARG_WEIGHTS, slopes),
                    Argument.of(dnnl.DNNL_ARG_DST, output, part));
        }
    }

    /**
     * Returns one slope per channel of a value, [1, C, 1, 1] or [1, C], borrowed.
     *
     * @param layer the number of the value that the slopes are for, or of the part of a layer
     * @param shape of the value
     * @param slopes [C], or [1] for all channels
     * @param channels C
     */
    memory slopes(int layer, long[] shape, Constant slopes, long channels) {
        long[] broadcast = shape.length == 2 ? new long[] {1, channels} : new long[] {1, channels, 1, 1};
        Constant all = slopes.count() == channels
                ? slopes
                : Constant.of(new long[] {channels}, target -> {
                    float same = slopes.values()[0];
                    for (long i = 0; i < channels; i++) {
                        target.put(same);
                    }
                });
        return weights.vector(layer, Vector.SLOPES, all, broadcast);
    }

    private static algorithm algorithm(Activation activation) {
        return switch (activation) {
            case RELU -> algorithm.eltwise_relu;
            case RELU6 -> CLIP;
            case SILU -> algorithm.eltwise_swish;
            case SIGMOID -> algorithm.eltwise_logistic;
            case HARD_SWISH -> algorithm.eltwise_hardswish;
            case GELU -> algorithm.eltwise_gelu_erf;
            case MISH -> algorithm.eltwise_mish;
            case TANH -> algorithm.eltwise_tanh;
        };
    }

    /** Returns a ReLU's slope below zero, a clip's lower bound, or the factor inside a swish or hard swish. */
    private static float alpha(Activation activation) {
        return switch (activation) {
            case RELU, RELU6, SIGMOID, GELU, MISH, TANH -> 0;
            case SILU -> 1;
            case HARD_SWISH -> 1f / 6;
        };
    }

    /** Returns a clip's upper bound, or what a hard swish adds. */
    private static float beta(Activation activation) {
        return switch (activation) {
            case RELU6 -> 6;
            case HARD_SWISH -> 0.5f;
            case RELU, SILU, SIGMOID, GELU, MISH, TANH -> 0;
        };
    }
}
