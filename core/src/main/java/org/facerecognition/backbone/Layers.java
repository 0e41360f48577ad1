package org.facerecognition.backbone;

import java.util.function.ToDoubleFunction;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.BatchNorm2dImpl;
import org.bytedeco.pytorch.BatchNormOptions;
import org.bytedeco.pytorch.Conv2dImpl;
import org.bytedeco.pytorch.Conv2dOptions;
import org.bytedeco.pytorch.GeneratorOptional;
import org.bytedeco.pytorch.MaxPool2dImpl;
import org.bytedeco.pytorch.MaxPool2dOptions;
import org.bytedeco.pytorch.Module;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.PReLUImpl;
import org.bytedeco.pytorch.PReLUOptions;
import org.bytedeco.pytorch.ReLUImpl;
import org.bytedeco.pytorch.ReLUOptions;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.SharedModuleVector;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.facerecognition.graph.GraphBuilder;
import org.facerecognition.graph.Value;
import org.facerecognition.natives.Initialization;
import org.facerecognition.natives.RandomStream;

/** Makes the layers that the architectures share. The option objects of libtorch's modules are closed here. */
final class Layers {
    static final double BATCH_NORM_EPSILON = 1e-5; // torch's default

    static final Layer IDENTITY = Layer.of(x -> x, (graph, x) -> x);
    static final Layer RELU = Layer.of(torch::relu_, GraphBuilder::relu);
    static final Layer SILU = Layer.of(torch::silu_, GraphBuilder::silu);
    static final Layer SIGMOID = Layer.of(torch::sigmoid, GraphBuilder::sigmoid);

    private Layers() {}

    // ---- makers ----

    /** A square convolution without bias. It keeps the image's size, which only the stride divides. */
    static Conv2dImpl conv(long inputs, long outputs, long kernel, long stride) {
        return conv(inputs, outputs, kernel, stride, 1);
    }

    /** The same in groups, each output seeing the inputs of its group; depthwise if there is one group per input. */
    static Conv2dImpl conv(long inputs, long outputs, long kernel, long stride, long groups) {
        return conv(inputs, outputs, kernel, stride, kernel / 2, groups, false);
    }

    /** A 1x1 convolution with bias: a linear layer at each position. */
    static Conv2dImpl pointwiseWithBias(long inputs, long outputs) {
        return conv(inputs, outputs, 1, 1, 0, 1, true);
    }

    /** A depthwise convolution as large as the image, which reduces each channel to one value. */
    static Conv2dImpl globalDepthwise(long channels, long sizePx) {
        return conv(channels, channels, sizePx, 1, 0, channels, false);
    }

    private static Conv2dImpl conv(
            long inputs, long outputs, long kernel, long stride, long padding, long groups, boolean bias) {
        try (LongPointer size = new LongPointer(pair(kernel));
                LongPointer margin = new LongPointer(pair(padding));
                Conv2dOptions options = new Conv2dOptions(inputs, outputs, size)) {
            options.stride().put(pair(stride));
            options.padding().put(margin);
            options.groups().put(groups);
            options.bias().put(bias);
            return Initialization.isSkipped()
                    ? undefined(options, inputs, outputs, kernel, groups)
                    : new Conv2dImpl(options);
        }
    }

    /** Leaves the weights undefined. The constructor always draws weights, so it is asked for as few as possible. */
    private static Conv2dImpl undefined(Conv2dOptions options, long inputs, long outputs, long kernel, long groups) {
        options.in_channels().put(1);
        options.out_channels().put(1);
        options.groups().put(1);
        Conv2dImpl conv = new Conv2dImpl(options);
        conv.options().in_channels().put(inputs);
        conv.options().out_channels().put(outputs);
        conv.options().groups().put(groups);
        Initialization.resize(conv.weight(), outputs, inputs / groups, kernel, kernel);
        if (conv.bias().defined()) {
            Initialization.resize(conv.bias(), outputs);
        }
        return conv;
    }

    static BatchNorm2dImpl batchNorm(long channels) {
        return batchNorm(channels, BATCH_NORM_EPSILON);
    }

    static BatchNorm2dImpl batchNorm(long channels, double epsilon) {
        try (BatchNormOptions options = new BatchNormOptions(channels)) {
            options.eps().put(epsilon);
            return new BatchNorm2dImpl(options);
        }
    }

    /** PReLU with one slope per channel, initially 0.25. */
    static PReLUImpl prelu(long channels) {
        try (PReLUOptions options = new PReLUOptions()) {
            options.num_parameters().put(channels);
            return new PReLUImpl(options);
        }
    }

    /** Rectifies in place, which keeps one activation less in memory. */
    static ReLUImpl relu() {
        try (ReLUOptions options = new ReLUOptions(true)) {
            return new ReLUImpl(options);
        }
    }

    /** ReLU6 in place, as a module. */
    static Module relu6() {
        return new Elementwise("ReLU6", Layer.of(torch::relu6_, GraphBuilder::relu6));
    }

    /** SiLU in place, as a module. */
    static Module silu() {
        return new Elementwise("SiLU", SILU);
    }

    /** Returns its input: {@code nn.Identity}. */
    static Module identity() {
        return new Elementwise("Identity", IDENTITY);
    }

    /** 3x3 max pooling with stride 2. */
    static MaxPool2dImpl maxPool3x3() {
        try (LongPointer size = new LongPointer(pair(3));
                MaxPool2dOptions options = new MaxPool2dOptions(size)) {
            options.stride().put(pair(2));
            options.padding().put(pair(1));
            return new MaxPool2dImpl(options);
        }
    }

    /** Always an array: {@code LongPointer.put(long, long)} would take the two numbers for an index and a value. */
    private static long[] pair(long value) {
        return new long[] {value, value};
    }

    /**
     * Linear layers from {@code inputs} through each of {@code sizes} with nothing between them: a single size makes
     * the layer itself, several a sequence.
     */
    static Module linears(long inputs, int... sizes) {
        return oneOrSequence(Initialization::linear, inputs, sizes);
    }

    /** {@link #linears} as 1x1 convolutions with bias. */
    static Module pointwises(long inputs, int... sizes) {
        return oneOrSequence(Layers::pointwiseWithBias, inputs, sizes);
    }

    private interface Projection {
        Module make(long inputs, long outputs);
    }

    private static Module oneOrSequence(Projection projection, long inputs, int... sizes) {
        if (sizes.length == 1) {
            return projection.make(inputs, sizes[0]);
        }
        Sequence sequence = new Sequence();
        for (int size : sizes) {
            sequence.append(projection.make(inputs, size));
            inputs = size;
        }
        return sequence;
    }

    /** An activation that is registered, since its origin counts it as a child. */
    private static final class Elementwise extends Module implements Layer {
        private final Layer function;

        Elementwise(String name, Layer function) {
            super(name);
            this.function = function;
        }

        @Override
        public Tensor forward(Tensor x) {
            return function.forward(x);
        }

        @Override
        public Value describe(GraphBuilder graph, Value x) {
            return function.describe(graph, x);
        }
    }

    /**
     * Inverted dropout, as {@code torch.dropout}: zeroes with probability {@code p} in training, scales the rest by
     * 1 / (1 - p). Draws from the training run's own generator, and on a CPU the same numbers as torch.
     */
    static Tensor dropout(Tensor x, double p, boolean training) {
        if (p == 0 || !training) {
            return x;
        }
        Tensor noise = torch.empty_like(x);
        noise.bernoulli_(1 - p, RandomStream.generatorFor(x)).div_(new Scalar(1 - p));
        return x.mul(noise);
    }

    /** {@link #dropout(Tensor, double, boolean)} as a module: {@code nn.Dropout}. */
    static final class Dropout extends Module implements Layer {
        private final double p;

        Dropout(double p) {
            super("Dropout");
            this.p = p;
        }

        @Override
        public Tensor forward(Tensor x) {
            return dropout(x, p, is_training());
        }

        @Override
        public Value describe(GraphBuilder graph, Value x) {
            return x;
        }
    }

    /**
     * Averages over the image, [B, C, H, W] to [B, C, 1, 1]. libtorch's own module takes its output size as an array of
     * C++ optionals, which JavaCPP cannot create.
     */
    static final class GlobalAveragePool extends Module implements Layer {
        GlobalAveragePool() {
            super("AdaptiveAvgPool2d");
        }

        @Override
        public Tensor forward(Tensor x) {
            return torch.adaptive_avg_pool2d(x, 1, 1);
        }

        @Override
        public Value describe(GraphBuilder graph, Value x) {
            return graph.globalAveragePool(x);
        }
    }

    // ---- initialization ----

    /**
     * Redraws the weights of all convolutions below {@code root}, in the order of modules, from a normal distribution
     * with mean 0, and sets their biases to 0. Does nothing where {@link Initialization} is skipped.
     *
     * @param std standard deviation for a weight [out, in / groups, k, k]
     */
    static void initializeConvolutions(Module root, ToDoubleFunction<Tensor> std) {
        if (Initialization.isSkipped()) {
            return;
        }
        try (PointerScope scope = new PointerScope();
                NoGradGuard noGrad = new NoGradGuard()) {
            SharedModuleVector modules = root.modules(false);
            for (long i = 0; i < modules.size(); i++) {
                Conv2dImpl conv = modules.get(i).asConv2d();
                if (conv != null) {
                    Tensor weight = conv.weight();
                    weight.normal_(0, std.applyAsDouble(weight), new GeneratorOptional());
                    if (conv.bias().defined()) {
                        conv.bias().zero_();
                    }
                }
            }
        }
    }

    /**
     * Returns the standard deviation of He initialization by outputs, sqrt(2 / fan_out), as torchvision's ResNets use
     * it ({@code kaiming_normal_(mode="fan_out", nonlinearity="relu")}).
     */
    static double heStdByFanOut(Tensor weight) {
        long fanOut = weight.size(0) * weight.size(2) * weight.size(3);
        return Math.sqrt(2.0 / fanOut);
    }
}
