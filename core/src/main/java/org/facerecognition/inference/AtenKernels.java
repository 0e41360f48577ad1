package org.facerecognition.inference;

import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.MemoryFormatOptional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarTypeOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.MemoryFormat;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.facerecognition.graph.Constant;
import org.facerecognition.graph.Operation;
import org.facerecognition.graph.Operation.Activation;
import org.facerecognition.graph.Operation.Add;
import org.facerecognition.graph.Operation.BatchNorm;
import org.facerecognition.graph.Operation.Convolution;
import org.facerecognition.graph.Operation.Flatten;
import org.facerecognition.graph.Operation.GlobalAveragePool;
import org.facerecognition.graph.Operation.L2Normalize;
import org.facerecognition.graph.Operation.Linear;
import org.facerecognition.graph.Operation.MaxPool;
import org.facerecognition.graph.Operation.Normalize;
import org.facerecognition.graph.Operation.PRelu;
import org.facerecognition.graph.Operation.Scale;
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
            return rows.div(norms.clamp_min(new Scalar(L2Normalize.MIN_NORM)));
        };
    }

    @Override
    public Kernel convolution(Convolution c) {
        Tensor weight = copy(c.weight());
        TensorOptional bias = copyIfPresent(c.bias());
        long[] stride = {c.stride(), c.stride()};
        long[] padding = {c.padding(), c.padding()};
        long[] dilation = {1, 1};
        int groups = c.groups();
        return (x, addend) -> torch.conv2d(x[0], weight, bias, stride, padding, dilation, groups);
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
        };
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
        long[] kernel = {p.kernel(), p.kernel()};
        long[] stride = {p.stride(), p.stride()};
        long[] padding = {p.padding(), p.padding()};
        long[] dilation = {1, 1};
        return (x, addend) -> torch.max_pool2d(x[0], kernel, stride, padding, dilation, false);
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
