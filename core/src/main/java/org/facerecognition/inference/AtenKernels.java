package org.facerecognition.inference;

import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.LongOptional;
import org.bytedeco.pytorch.MemoryFormatOptional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarTypeOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.MemoryFormat;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.facerecognition.graph.Constant;
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
import org.facerecognition.inference.AtenKernels.Kernel;
import org.jspecify.annotations.Nullable;

/**
 * Makes a kernel for each operation from libtorch's operators, on any device. Convolutions run in channels_last, and
 * the addition fused with one is done in place.
 */
final class AtenKernels implements Operation.Visitor<Kernel> {
    private final PointerScope owner;
    private final Device device;
    private final ScalarType type;

    /** Computes one fused node. It is thread-safe. */
    @FunctionalInterface
    interface Kernel {
        /**
         * Returns the node's value, scoped.
         *
         * @param inputs the values of the node's inputs, borrowed
         * @param addend the value to add, borrowed; null if the node has none
         */
        Tensor run(Tensor[] inputs, @Nullable Tensor addend);
    }

    /**
     * Creates kernels whose weights live as long as {@code owner}.
     *
     * @param owner owns the copies of the weights
     * @param device where the kernels run; borrowed
     * @param type the type of the values between layers
     */
    AtenKernels(PointerScope owner, Device device, ScalarType type) {
        this.owner = owner;
        this.device = device;
        this.type = type;
    }

    /** Returns the kernel of a node, including the addition and the pointwise operation that are fused with it. */
    Kernel of(FusedNode node) {
        Kernel kernel = node.operation().accept(this);
        if (node.addend() == FusedNode.NONE && node.then() == null) {
            return kernel;
        }
        Kernel then = node.then() == null ? null : node.then().accept(this);
        return (x, addend) -> {
            Tensor out = kernel.run(x, null);
            if (addend != null) {
                out.add_(addend);
            }
            return then == null ? out : then.run(new Tensor[] {out}, null);
        };
    }

    @Override
    public Kernel normalize(Normalize n) {
        Tensor mean = copy(n.meanPerChannel(), ScalarType.Float);
        Tensor std = copy(n.stdPerChannel(), ScalarType.Float);
        return (x, addend) -> x[0].to(ScalarType.Float).sub(mean).div(std).to(type);
    }

    @Override
    public Kernel l2Normalize(L2Normalize l2Normalize) {
        return (x, addend) -> {
            Tensor rows = x[0].to(ScalarType.Float);
            Tensor norms = torch.sqrt(rows.square().sum(new long[] {1}, true, new ScalarTypeOptional()));
            return rows.div(norms.clamp_min(new Scalar(L2Normalize.MIN_NORM))).to(type);
        };
    }

    @Override
    public Kernel convolution(Convolution c) {
        Tensor weight = copy(c.weight());
        TensorOptional bias = copyIfPresent(c.bias());
        long[] stride = c.window().strides();
        long[] dilation = c.window().dilations();
        int groups = c.groups();
        return padded(c.window(), 0, (x, padding) -> torch.conv2d(x, weight, bias, stride, padding, dilation, groups));
    }

    /** Runs an operator with padding. */
    private interface Padded {
        Tensor run(Tensor x, long[] padding);
    }

    /** libtorch's operators pad opposite sides alike; other padding is done before. */
    private static Kernel padded(Window window, double value, Padded operator) {
        if (window.isSymmetric()) {
            long[] padding = window.begins();
            return (x, addend) -> operator.run(x[0], padding);
        }
        return (x, addend) -> operator.run(pad(x[0], window, value), new long[2]);
    }

    private static Tensor pad(Tensor x, Window w, double value) {
        long[] sides = {w.left(), w.right(), w.top(), w.bottom()};
        return torch.constant_pad_nd(x, sides, new Scalar(value));
    }

    @Override
    public Kernel linear(Linear l) {
        Tensor weight = copy(l.weight());
        TensorOptional bias = copyIfPresent(l.bias());
        return (x, addend) -> torch.linear(x[0], weight, bias);
    }

    /** The statistics stay float32, which libtorch accepts along with values of a narrower type. */
    @Override
    public Kernel batchNorm(BatchNorm n) {
        TensorOptional weight = new TensorOptional(copy(n.weight(), ScalarType.Float));
        TensorOptional bias = new TensorOptional(copy(n.bias(), ScalarType.Float));
        TensorOptional mean = new TensorOptional(copy(n.mean(), ScalarType.Float));
        TensorOptional variance = new TensorOptional(copy(n.variance(), ScalarType.Float));
        double epsilon = n.epsilon();
        return (x, addend) -> torch.batch_norm(x[0], weight, bias, mean, variance, false, 0, epsilon, true);
    }

    @Override
    public Kernel prelu(PRelu p) {
        Tensor slopes = copy(p.slopes());
        return (x, addend) -> torch.prelu(x[0], slopes);
    }

    @Override
    public Kernel activation(Activation activation) {
        return switch (activation) {
            case RELU -> (x, addend) -> torch.relu(x[0]);
            case RELU6 -> (x, addend) -> torch.hardtanh(x[0], new Scalar(0.0), new Scalar(6.0));
            case SILU -> (x, addend) -> torch.silu(x[0]);
            case SIGMOID -> (x, addend) -> torch.sigmoid(x[0]);
            case HARD_SWISH -> (x, addend) -> torch.hardswish(x[0]);
            case GELU -> (x, addend) -> torch.gelu(x[0]);
            case MISH -> (x, addend) -> torch.mish(x[0]);
            case TANH -> (x, addend) -> torch.tanh(x[0]);
        };
    }

    @Override
    public Kernel clip(Clip clip) {
        return (x, addend) -> torch.hardtanh(x[0], new Scalar(clip.min()), new Scalar(clip.max()));
    }

    @Override
    public Kernel hardSigmoid(HardSigmoid h) {
        return (x, addend) -> torch.hardtanh(
                x[0].mul(new Scalar(h.alpha())).add(new Scalar(h.beta())), new Scalar(0.0), new Scalar(1.0));
    }

    @Override
    public Kernel add(Add add) {
        return (x, addend) -> x[0].add(x[1]);
    }

    @Override
    public Kernel scale(Scale scale) {
        return (x, addend) -> x[0].mul(x[1]);
    }

    @Override
    public Kernel maxPool(MaxPool p) {
        long[] kernel = {p.height(), p.width()};
        long[] stride = p.window().strides();
        long[] dilation = p.window().dilations();
        Window all = p.window();
        return p.hasSmallPadding()
                ? (x, addend) -> torch.max_pool2d(x[0], kernel, stride, all.begins(), dilation, false)
                : (x, addend) -> torch.max_pool2d(
                        pad(x[0], all, Double.NEGATIVE_INFINITY), kernel, stride, new long[2], dilation, false);
    }

    /** Divides sums by the number of values, because libtorch pads opposite sides alike. */
    @Override
    public Kernel averagePool(AveragePool p) {
        long[] kernel = {p.height(), p.width()};
        long[] stride = p.window().strides();
        return (x, addend) -> {
            Tensor means = average(pad(x[0], p.window(), 0), kernel, stride);
            return p.countsPadding()
                    ? means
                    : means.div(average(pad(torch.ones_like(x[0]), p.window(), 0), kernel, stride));
        };
    }

    private static Tensor average(Tensor x, long[] kernel, long[] stride) {
        return torch.avg_pool2d(x, kernel, stride, new long[2], false, true, new LongOptional());
    }

    @Override
    public Kernel concat(Concat concat) {
        return (x, addend) -> torch.cat(new TensorVector(x), 1);
    }

    @Override
    public Kernel sliceChannels(SliceChannels s) {
        return (x, addend) -> x[0].narrow(1, s.from(), s.to() - s.from()).contiguous(MemoryFormat.ChannelsLast);
    }

    @Override
    public Kernel shuffleChannels(ShuffleChannels s) {
        return (x, addend) -> torch.channel_shuffle(x[0], s.groups());
    }

    @Override
    public Kernel upsample(Upsample u) {
        return (x, addend) -> torch.repeat_interleave(
                torch.repeat_interleave(x[0], u.factor(), new LongOptional(2), new LongOptional()),
                u.factor(),
                new LongOptional(3),
                new LongOptional());
    }

    @Override
    public Kernel unflatten(Unflatten unflatten) {
        return (x, addend) -> x[0].unsqueeze(2).unsqueeze(3);
    }

    @Override
    public Kernel globalAveragePool(GlobalAveragePool pool) {
        return (x, addend) -> torch.adaptive_avg_pool2d(x[0], 1, 1);
    }

    @Override
    public Kernel flatten(Flatten flatten) {
        return (x, addend) -> torch.flatten(x[0], 1, -1);
    }

    private TensorOptional copyIfPresent(@Nullable Constant bias) {
        return bias == null ? new TensorOptional() : new TensorOptional(copy(bias));
    }

    private Tensor copy(Constant weight) {
        return copy(weight, type);
    }

    /** Copies a weight to the device; {@link #owner} owns the copy. */
    private Tensor copy(Constant weight, ScalarType type) {
        try (PointerScope scope = new PointerScope()) {
            Tensor onDevice = weight.tensor().to(device, type, false, true, new MemoryFormatOptional());
            Tensor copy = onDevice.dim() == 4 ? onDevice.contiguous(MemoryFormat.ChannelsLast) : onDevice.contiguous();
            owner.attach(copy);
            return copy;
        }
    }
}
