package org.facerecognition.inference;

import java.util.List;
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
import org.facerecognition.graph.Operation;
import org.facerecognition.graph.Operation.Activation;
import org.facerecognition.graph.Operation.BatchNorm;
import org.facerecognition.graph.Operation.Convolution;
import org.facerecognition.graph.Operation.Linear;
import org.facerecognition.graph.Operation.MaxPool;
import org.facerecognition.graph.Operation.Normalize;
import org.facerecognition.graph.Operation.PRelu;
import org.jspecify.annotations.Nullable;

/** libtorch's ordinary operators, on any device: convolutions in channels_last, what follows them in place. */
final class AtenKernels {
    private static final double NO_LENGTH = 1e-12;

    private final PointerScope owner;
    private final Device device;
    private final ScalarType type;

    /** Does the work of one fused node; from any number of threads. */
    @FunctionalInterface
    interface Kernel {
        /**
         * @param inputs the node's
         * @param addend the node's
         * @return in the caller's scope
         */
        Tensor run(Tensor[] inputs, @Nullable Tensor addend);
    }

    /**
     * @param owner of all that kernels keep
     * @param type of the values between layers
     */
    AtenKernels(PointerScope owner, Device device, ScalarType type) {
        this.owner = owner;
        this.device = device;
        this.type = type;
    }

    Kernel of(FusedNode node) {
        Operation operation = node.operation();
        if (operation instanceof Convolution c) {
            return convolution(c, node.then());
        } else if (operation instanceof Linear l) {
            Tensor weight = kept(l.weight());
            TensorOptional bias = optional(l.bias());
            return (x, addend) -> torch.linear(x[0], weight, bias);
        } else if (operation instanceof BatchNorm n) {
            return batchNorm(n);
        } else if (operation instanceof PRelu p) {
            return prelu(p);
        } else if (operation instanceof MaxPool p) {
            long[] size = {p.kernel(), p.kernel()};
            long[] stride = {p.stride(), p.stride()};
            long[] padding = {p.padding(), p.padding()};
            long[] dilation = {1, 1};
            return (x, addend) -> torch.max_pool2d(x[0], size, stride, padding, dilation, false);
        } else if (operation instanceof Normalize n) {
            return normalize(n);
        } else if (operation instanceof Activation a) {
            return activated(a);
        } else if (operation instanceof Operation.Add) {
            return (x, addend) -> x[0].add(x[1]);
        } else if (operation instanceof Operation.Scale) {
            return (x, addend) -> x[0].mul(x[1]);
        } else if (operation instanceof Operation.GlobalAveragePool) {
            return (x, addend) -> torch.adaptive_avg_pool2d(x[0], 1, 1);
        } else if (operation instanceof Operation.Flatten) {
            return (x, addend) -> torch.flatten(x[0], 1, -1);
        } else if (operation instanceof Operation.L2Normalize) {
            return (x, addend) -> {
                Tensor wide = x[0].to(ScalarType.Float);
                Tensor length = torch.sqrt(wide.square().sum(new long[] {1}, true, new ScalarTypeOptional()));
                return wide.div(length.clamp_min(new Scalar(NO_LENGTH)));
            };
        }
        throw new IllegalArgumentException("cannot run " + operation);
    }

    private Kernel convolution(Convolution c, @Nullable Operation then) {
        Tensor weight = kept(c.weight());
        TensorOptional bias = optional(c.bias());
        long[] stride = {c.stride(), c.stride()};
        long[] padding = {c.padding(), c.padding()};
        long[] dilation = {1, 1};
        Kernel last = then == null ? null : then instanceof PRelu p ? prelu(p) : activated((Activation) then);
        return (x, addend) -> {
            Tensor out = torch.conv2d(x[0], weight, bias, stride, padding, dilation, c.groups());
            if (addend != null) {
                out.add_(addend);
            }
            return last == null ? out : last.run(new Tensor[] {out}, null);
        };
    }

    private Kernel prelu(PRelu p) {
        Tensor slopes = kept(p.slopes());
        return (x, addend) -> torch.prelu(x[0], slopes);
    }

    private static Kernel activated(Activation activation) {
        return switch (activation) {
            case RELU -> (x, addend) -> torch.relu(x[0]);
            case RELU6 -> (x, addend) -> torch.hardtanh(x[0], new Scalar(0.0), new Scalar(6.0));
            case SILU -> (x, addend) -> torch.silu(x[0]);
            case SIGMOID -> (x, addend) -> torch.sigmoid(x[0]);
        };
    }

    /** Its statistics stay float32, which libtorch takes along with narrower values. */
    private Kernel batchNorm(BatchNorm n) {
        TensorOptional weight = new TensorOptional(kept(n.weight(), ScalarType.Float));
        TensorOptional bias = new TensorOptional(kept(n.bias(), ScalarType.Float));
        TensorOptional mean = new TensorOptional(kept(n.mean(), ScalarType.Float));
        TensorOptional variance = new TensorOptional(kept(n.variance(), ScalarType.Float));
        return (x, addend) -> torch.batch_norm(x[0], weight, bias, mean, variance, false, 0, n.epsilon(), true);
    }

    private Kernel normalize(Normalize n) {
        Tensor mean = kept(perChannel(n.mean()), ScalarType.Float);
        Tensor std = kept(perChannel(n.std()), ScalarType.Float);
        return (x, addend) -> x[0].to(ScalarType.Float).sub(mean).div(std).to(type);
    }

    private static Tensor perChannel(List<Double> values) {
        return Tensor.create(values.stream().mapToDouble(v -> v).toArray(), 1, values.size(), 1, 1);
    }

    private TensorOptional optional(@Nullable Tensor bias) {
        return bias == null ? new TensorOptional() : new TensorOptional(kept(bias));
    }

    private Tensor kept(Tensor weight) {
        return kept(weight, type);
    }

    /** A copy of the owner's. */
    private Tensor kept(Tensor weight, ScalarType type) {
        try (PointerScope scope = new PointerScope()) {
            Tensor there = weight.to(device, type, false, true, new MemoryFormatOptional());
            Tensor laidOut = there.dim() == 4 ? there.contiguous(MemoryFormat.ChannelsLast) : there.contiguous();
            owner.attach(laidOut);
            return laidOut;
        }
    }
}
