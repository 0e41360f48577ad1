package org.facerecognition.inference;

import java.util.Arrays;
import java.util.Optional;
import org.bytedeco.dnnl.batch_normalization_forward;
import org.bytedeco.dnnl.binary;
import org.bytedeco.dnnl.global.dnnl;
import org.bytedeco.dnnl.global.dnnl.algorithm;
import org.bytedeco.dnnl.global.dnnl.normalization_flags;
import org.bytedeco.dnnl.global.dnnl.prop_kind;
import org.bytedeco.dnnl.memory;
import org.facerecognition.graph.Constant;
import org.facerecognition.graph.Graph;
import org.facerecognition.graph.Operation;
import org.facerecognition.graph.Operation.Activation;
import org.facerecognition.graph.Operation.Add;
import org.facerecognition.graph.Operation.AveragePool;
import org.facerecognition.graph.Operation.BatchNorm;
import org.facerecognition.graph.Operation.Clip;
import org.facerecognition.graph.Operation.Concat;
import org.facerecognition.graph.Operation.Convolution;
import org.facerecognition.graph.Operation.Flatten;
import org.facerecognition.graph.Operation.GlobalAveragePool;
import org.facerecognition.graph.Operation.HardSigmoid;
import org.facerecognition.graph.Operation.L2Normalize;
import org.facerecognition.graph.Operation.Linear;
import org.facerecognition.graph.Operation.MaxPool;
import org.facerecognition.graph.Operation.Normalize;
import org.facerecognition.graph.Operation.PRelu;
import org.facerecognition.graph.Operation.Scale;
import org.facerecognition.graph.Operation.ShuffleChannels;
import org.facerecognition.graph.Operation.SliceChannels;
import org.facerecognition.graph.Operation.Unflatten;
import org.facerecognition.graph.Operation.Upsample;
import org.facerecognition.graph.Window;
import org.facerecognition.inference.OneDnnPlan.Argument;
import org.facerecognition.inference.OneDnnPlan.Call;
import org.facerecognition.inference.OneDnnWeights.Vector;

/**
 * Adds the oneDNN calls of each node to a plan. {@link OneDnnConvolution} chooses the layouts of values; the operations
 * here keep the layout that they find.
 */
final class OneDnnLayers {
    private static final double MIN_EPSILON = 1e-30; // the reciprocal of its root is finite in float32

    private final OneDnnPlan plan;
    private final OneDnnWeights weights;
    private final OneDnnPointwise pointwise;
    private final OneDnnConvolution.Tools convolution;
    private final OneDnnChannels channels;

    OneDnnLayers(OneDnnPlan plan, OneDnnWeights weights, OneDnnAutotuner autotuner, OneDnnInt8 int8) {
        this.plan = plan;
        this.weights = weights;
        this.pointwise = new OneDnnPointwise(plan, weights);
        this.convolution = new OneDnnConvolution.Tools(plan, weights, autotuner, pointwise, int8);
        this.channels = new OneDnnChannels(plan);
    }

    /** Adds the calls of one node to the plan of {@code layers}. */
    private interface Emitter {
        void emit(OneDnnLayers layers, FusedNode node);
    }

    /** Returns whether oneDNN can run all nodes; it cannot run those that only exported graphs contain. */
    static boolean supports(Graph graph) {
        return graph.nodes().stream()
                .skip(1) // the input
                .allMatch(node -> node.operation().accept(EMITTERS).isPresent());
    }

    /**
     * Adds the calls of a node.
     *
     * @throws IllegalArgumentException when oneDNN cannot run it; see {@link #supports}
     */
    void add(FusedNode node) {
        node.operation()
                .accept(EMITTERS)
                .orElseThrow(() -> new IllegalArgumentException("oneDNN cannot run " + node.operation()))
                .emit(this, node);
    }

    private static final Operation.Visitor<Optional<Emitter>> EMITTERS = new Operation.Visitor<>() {
        @Override
        public Optional<Emitter> normalize(Normalize normalize) {
            return Optional.empty();
        }

        @Override
        public Optional<Emitter> l2Normalize(L2Normalize l2Normalize) {
            return Optional.empty();
        }

        @Override
        public Optional<Emitter> convolution(Convolution c) {
            return Optional.of((layers, node) -> OneDnnConvolution.add(layers.convolution, node, c));
        }

        @Override
        public Optional<Emitter> linear(Linear l) {
            return Optional.of((layers, node) -> OneDnnConvolution.add(layers.convolution, node, l));
        }

        @Override
        public Optional<Emitter> batchNorm(BatchNorm n) {
            return Optional.of((layers, node) -> layers.batchNorm(node, n));
        }

        @Override
        public Optional<Emitter> activation(Activation a) {
            return Optional.of((layers, node) -> layers.pointwise.add(node, a));
        }

        @Override
        public Optional<Emitter> prelu(PRelu p) {
            return Optional.of((layers, node) -> layers.pointwise.add(node, p));
        }

        @Override
        public Optional<Emitter> add(Add add) {
            return Optional.of((layers, node) -> layers.binary(node, algorithm.binary_add));
        }

        @Override
        public Optional<Emitter> scale(Scale scale) {
            return Optional.of((layers, node) -> layers.binary(node, algorithm.binary_mul));
        }

        @Override
        public Optional<Emitter> clip(Clip c) {
            return Optional.of((layers, node) -> layers.pointwise.add(node, c));
        }

        @Override
        public Optional<Emitter> hardSigmoid(HardSigmoid h) {
            return Optional.of((layers, node) -> layers.pointwise.add(node, h));
        }

        @Override
        public Optional<Emitter> concat(Concat concat) {
            return Optional.of((layers, node) -> layers.channels.concat(node));
        }

        @Override
        public Optional<Emitter> sliceChannels(SliceChannels s) {
            return Optional.of((layers, node) -> layers.channels.slice(node, s));
        }

        @Override
        public Optional<Emitter> shuffleChannels(ShuffleChannels s) {
            return Optional.of((layers, node) -> layers.channels.shuffle(node, s));
        }

        @Override
        public Optional<Emitter> upsample(Upsample upsample) {
            return Optional.of((layers, node) -> layers.channels.upsample(node));
        }

        @Override
        public Optional<Emitter> averagePool(AveragePool p) {
            return Optional.of((layers, node) -> layers.pool(
                    node,
                    p.countsPadding() ? algorithm.pooling_avg_include_padding : algorithm.pooling_avg_exclude_padding,
                    new long[] {p.height(), p.width()},
                    p.window()));
        }

        @Override
        public Optional<Emitter> unflatten(Unflatten unflatten) {
            return Optional.of(OneDnnLayers::unflatten);
        }

        @Override
        public Optional<Emitter> maxPool(MaxPool p) {
            return Optional.of((layers, node) ->
                    layers.pool(node, algorithm.pooling_max, new long[] {p.height(), p.width()}, p.window()));
        }

        @Override
        public Optional<Emitter> globalAveragePool(GlobalAveragePool pool) {
            return Optional.of(OneDnnLayers::globalAveragePool);
        }

        @Override
        public Optional<Emitter> flatten(Flatten flatten) {
            return Optional.of(OneDnnLayers::flatten);
        }
    };

    private void batchNorm(FusedNode node, BatchNorm given) {
        BatchNorm n = withFinitePadding(given);
        int input = plan.input(node, 0);
        memory.desc layout = plan.layout(input);
        batch_normalization_forward.primitive_desc descriptor = new batch_normalization_forward.primitive_desc(
                OneDnn.engine(),
                prop_kind.forward_inference.value,
                layout,
                layout,
                (float) n.epsilon(),
                normalization_flags.use_global_stats.value
                        | normalization_flags.use_scale.value
                        | normalization_flags.use_shift.value,
                OneDnn.attributes(),
                false);
        plan.define(node.output(), layout);
        plan.add(Call.of(
                new batch_normalization_forward(descriptor),
                descriptor,
                Argument.of(dnnl.DNNL_ARG_SRC, input),
                Argument.of(dnnl.DNNL_ARG_MEAN, vector(node, Vector.MEAN, n.mean())),
                Argument.of(dnnl.DNNL_ARG_VARIANCE, vector(node, Vector.VARIANCE, n.variance())),
                Argument.of(dnnl.DNNL_ARG_SCALE, vector(node, Vector.SCALE, n.weight())),
                Argument.of(dnnl.DNNL_ARG_SHIFT, vector(node, Vector.BIAS, n.bias())),
                Argument.of(dnnl.DNNL_ARG_DST, node.output())));
    }

    /**
     * Returns an equivalent normalization whose epsilon is at least {@value #MIN_EPSILON}. A layout in blocks has
     * channels of zeros beyond the last one, which oneDNN normalizes too, with a variance of zero: without an epsilon,
     * zero divided by zero would reach the other channels in the next convolution. The sum of variance and epsilon
     * keeps its bits unless it is less than 1e-22.
     */
    private static BatchNorm withFinitePadding(BatchNorm n) {
        if (n.epsilon() >= MIN_EPSILON) {
            return n;
        }
        double moved = MIN_EPSILON - n.epsilon();
        Constant variance = Constant.of(n.variance().shape(), target -> {
            for (float value : n.variance().values()) {
                target.put((float) (value - moved));
            }
        });
        return new BatchNorm(n.mean(), variance, n.weight(), n.bias(), MIN_EPSILON);
    }

    private memory vector(FusedNode node, Vector vector, Constant values) {
        return weights.vector(node.output(), vector, values, values.count());
    }

    private void binary(FusedNode node, algorithm algorithm) {
        int first = plan.input(node, 0);
        int second = plan.input(node, 1);
        memory.desc layout = plan.layout(first);
        boolean sameShape = Arrays.equals(
                plan.shape(node.inputs().get(0)), plan.shape(node.inputs().get(1)));
        if (sameShape) { // a factor per channel is broadcast in its own layout
            second = plan.inLayout(second, layout);
        }
        binary.primitive_desc descriptor = new binary.primitive_desc(
                OneDnn.engine(), algorithm, layout, plan.layout(second), layout, OneDnn.attributes(), false);
        plan.define(node.output(), layout);
        plan.add(Call.of(
                new binary(descriptor),
                descriptor,
                Argument.of(dnnl.DNNL_ARG_SRC_0, first),
                Argument.of(dnnl.DNNL_ARG_SRC_1, second),
                Argument.of(dnnl.DNNL_ARG_DST, node.output())));
    }

    private void globalAveragePool(FusedNode node) {
        long[] in = plan.shape(node.inputs().get(0)); // [B, C, H, W]
        long[] kernel = {in[2], in[3]};
        pool(node, algorithm.pooling_avg_exclude_padding, kernel, Window.of(1, 0));
    }

    private void pool(FusedNode node, algorithm algorithm, long[] kernel, Window window) {
        new OneDnnPooling(plan, node, algorithm, kernel, window).add();
    }

    /** Images of one pixel are rows whose channels lie together. */
    private void unflatten(FusedNode node) {
        long[] shape = plan.shape(node.inputs().get(0));
        int rows = plan.inLayout(plan.input(node, 0), OneDnn.rowMajor(plan.type(), shape));
        plan.define(node.output(), OneDnn.rowMajor(plan.type(), plan.shape(node.output())));
        plan.share(node.output(), rows);
    }

    /** Rows in row-major layout are the image's own memory in row-major layout. */
    private void flatten(FusedNode node) {
        long[] shape = plan.shape(node.inputs().get(0));
        int rowMajor = plan.inLayout(plan.input(node, 0), OneDnn.rowMajor(plan.type(), shape));
        plan.define(node.output(), OneDnn.rowMajor(plan.type(), plan.shape(node.output())));
        plan.share(node.output(), rowMajor);
    }
}
