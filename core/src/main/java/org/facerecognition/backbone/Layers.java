package org.facerecognition.backbone;

import java.util.function.BiFunction;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.BatchNorm1dImpl;
import org.bytedeco.pytorch.BatchNorm2dImpl;
import org.bytedeco.pytorch.BatchNormOptions;
import org.bytedeco.pytorch.Conv2dImpl;
import org.bytedeco.pytorch.Conv2dOptions;
import org.bytedeco.pytorch.GeneratorOptional;
import org.bytedeco.pytorch.LinearImpl;
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

/** Makes the layers that architectures share, without leaving their option objects behind. */
final class Layers {
    private Layers() {}

    static final double BATCH_NORM_EPSILON = 1e-5; // torch's

    /** A square convolution without bias that keeps the size, but for its stride. */
    static Conv2dImpl conv(long inputs, long outputs, long kernel, long stride) {
        return conv(inputs, outputs, kernel, stride, 1);
    }

    /** The same with each group of outputs seeing only its group of inputs; as many groups as inputs: depthwise. */
    static Conv2dImpl conv(long inputs, long outputs, long kernel, long stride, long groups) {
        return conv(inputs, outputs, kernel, stride, kernel / 2, groups, false);
    }

    /** A 1x1 convolution with bias: a linear layer at each place. */
    static Conv2dImpl pointwiseWithBias(long inputs, long outputs) {
        return conv(inputs, outputs, 1, 1, 0, 1, true);
    }

    /** A depthwise convolution as large as the image, that makes one value of each channel. */
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

    /** The constructor always draws weights, so it is asked for the fewest. */
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

    /** One slope for each channel, .25 at first. */
    static PReLUImpl prelu(long channels) {
        try (PReLUOptions options = new PReLUOptions()) {
            options.num_parameters().put(channels);
            return new PReLUImpl(options);
        }
    }

    /** Takes down layers, one after another. */
    static Value describe(GraphBuilder graph, Value x, Module... layers) {
        for (Module layer : layers) {
            x = describe(graph, x, layer);
        }
        return x;
    }

    private static Value describe(GraphBuilder graph, Value x, Module layer) {
        if (layer instanceof Described part) {
            return part.describe(graph, x);
        } else if (layer instanceof Conv2dImpl convolution) {
            return graph.convolution(convolution, x);
        } else if (layer instanceof BatchNorm2dImpl norm) {
            return graph.batchNorm(norm, x);
        } else if (layer instanceof BatchNorm1dImpl norm) {
            return graph.batchNorm(norm, x);
        } else if (layer instanceof LinearImpl linear) {
            return graph.linear(linear, x);
        } else if (layer instanceof PReLUImpl prelu) {
            return graph.prelu(prelu, x);
        } else if (layer instanceof ReLUImpl) {
            return graph.relu(x);
        } else if (layer instanceof MaxPool2dImpl pool) {
            return graph.maxPool(pool, x);
        }
        throw new UnsupportedOperationException("cannot describe " + layer);
    }

    /** A layer without parameters that has its place among its neighbors. */
    static final class Function extends Module implements Layer, Described {
        private final Layer function;
        private final BiFunction<GraphBuilder, Value, Value> description;

        Function(String name, Layer function, BiFunction<GraphBuilder, Value, Value> description) {
            super(name);
            this.function = function;
            this.description = description;
        }

        @Override
        public Value describe(GraphBuilder graph, Value x) {
            return description.apply(graph, x);
        }

        @Override
        public Tensor forward(Tensor x) {
            return function.forward(x);
        }
    }

    /**
     * Inverted dropout as {@code torch.dropout}: zeroes values with probability {@code p} in training and scales the
     * others by 1 / (1 - p). Draws from the training's own generator, and the same numbers as torch does on a CPU.
     */
    static Tensor dropout(Tensor x, double p, boolean training) {
        if (p == 0 || !training) {
            return x;
        }
        Tensor noise = torch.empty_like(x);
        noise.bernoulli_(1 - p, RandomStream.generatorFor(x)).div_(new Scalar(1 - p));
        return x.mul(noise);
    }

    /** {@link #dropout(Tensor, double, boolean)} as a layer with a place among its neighbors: {@code nn.Dropout}. */
    static final class Dropout extends Module implements Layer, Described {
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

    /** Rectifies in place: one activation fewer to keep in memory. */
    static ReLUImpl relu() {
        try (ReLUOptions options = new ReLUOptions(true)) {
            return new ReLUImpl(options);
        }
    }

    /** 3x3, stride 2. */
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
     * Averages over the image, [B, C, H, W] to [B, C, 1, 1]. libtorch's own module takes its output size as an array
     * of C++ optionals, which JavaCPP cannot make.
     */
    static final class GlobalAveragePool extends Module implements Layer, Described {
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

    /**
     * Draws all convolution weights below {@code root}, in order, from N(0, 2 / fan_out): He initialization as
     * torchvision's ResNets use it ({@code kaiming_normal_(mode="fan_out", nonlinearity="relu")}).
     */
    static void initializeConvolutions(Module root) {
        if (Initialization.isSkipped()) {
            return;
        }
        try (PointerScope scope = new PointerScope();
                NoGradGuard noGrad = new NoGradGuard()) {
            SharedModuleVector modules = root.modules(false);
            for (long i = 0; i < modules.size(); i++) {
                Conv2dImpl conv = modules.get(i).asConv2d();
                if (conv != null) {
                    Tensor weight = conv.weight(); // [out, in, k, k]
                    long fanOut = weight.size(0) * weight.size(2) * weight.size(3);
                    weight.normal_(0, Math.sqrt(2.0 / fanOut), new GeneratorOptional());
                }
            }
        }
    }
}
