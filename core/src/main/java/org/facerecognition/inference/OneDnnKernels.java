package org.facerecognition.inference;

import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.IValue;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.facerecognition.graph.Operation;
import org.facerecognition.graph.Operation.Activation;
import org.facerecognition.graph.Operation.Convolution;
import org.facerecognition.graph.Operation.Linear;
import org.jspecify.annotations.Nullable;

/**
 * oneDNN's convolutions and linear layers, their weights packed once for this processor and the size of the pictures, and
 * what follows done while the result is in the cache. Everything else is libtorch's.
 */
final class OneDnnKernels implements Kernels {
    private final PointerScope owner;
    private final ScalarType type;
    private final AtenKernels others;
    private final Operator convolution;
    private final Operator convolutionPlus;
    private final Operator convolutionPlusInPlace;
    private final Operator packConvolution;
    private final Operator linear;
    private final Operator packLinear;
    private final IValue none = new IValue();

    /** Whether this libtorch has oneDNN and the processor what it needs for values of a type. */
    static boolean available(ScalarType type) {
        return torch.hasMKLDNN()
                && switch (type) {
                    case Float -> true;
                    case BFloat16 -> Operator.says("mkldnn::_is_mkldnn_bf16_supported");
                    default -> false;
                };
    }

    /** Whether weights are packed for it, as they suit the number of pictures. */
    static boolean packs(Operation operation) {
        return operation instanceof Convolution || operation instanceof Linear;
    }

    /** @throws RuntimeException when this libtorch has no oneDNN; see {@link #available} */
    OneDnnKernels(PointerScope owner, ScalarType type, AtenKernels others) {
        this.owner = owner;
        this.type = type;
        this.others = others;
        this.convolution = new Operator("mkldnn::_convolution_pointwise", "");
        this.convolutionPlus = new Operator("mkldnn::_convolution_pointwise", "binary");
        this.convolutionPlusInPlace = new Operator("mkldnn::_convolution_pointwise_", "binary");
        this.packConvolution = new Operator("mkldnn::_reorder_convolution_weight", "");
        this.linear = new Operator("mkldnn::_linear_pointwise", "");
        this.packLinear = new Operator("mkldnn::_reorder_linear_weight", "");
    }

    @Override
    public Kernel of(FusedNode node, Tensor[] examples) {
        if (node.operation() instanceof Convolution c) {
            return node.addend() == FusedNode.NONE
                    ? convolution(c, node.then(), examples[0])
                    : convolutionPlus(c, node.then(), examples[0], node.addsInPlace());
        } else if (node.operation() instanceof Linear l) {
            return linear(l, examples[0]);
        }
        return others.of(node, examples);
    }

    /** X, W, B, padding, stride, dilation, groups, attr, scalars, algorithm. */
    private Kernel convolution(Convolution c, @Nullable Activation then, Tensor example) {
        IValue weight = new IValue(packed(c, example));
        IValue bias = bias(c.bias());
        IValue padding = convolution.numbers(3, c.padding(), c.padding());
        IValue stride = convolution.numbers(4, c.stride(), c.stride());
        IValue dilation = convolution.numbers(5, 1L, 1L);
        IValue groups = new IValue((long) c.groups());
        IValue attribute = new IValue(name(then));
        IValue scalars =
                then == Activation.RELU6 ? convolution.numbers(8, 0.0, 6.0) : convolution.numbers(8, new double[0]);
        return (x, addend) -> {
            try (IValue input = new IValue(x[0])) {
                return convolution.call(
                        input, weight, bias, padding, stride, dilation, groups, attribute, scalars, none);
            }
        };
    }

    /** The addend first where it is overwritten, else second; then as above, but for the attributes. */
    private Kernel convolutionPlus(Convolution c, @Nullable Activation then, Tensor example, boolean inPlace) {
        IValue weight = new IValue(packed(c, example));
        IValue bias = bias(c.bias());
        IValue padding = convolutionPlus.numbers(4, c.padding(), c.padding());
        IValue stride = convolutionPlus.numbers(5, c.stride(), c.stride());
        IValue dilation = convolutionPlus.numbers(6, 1L, 1L);
        IValue groups = new IValue((long) c.groups());
        IValue plus = new IValue("add");
        IValue attribute = then == null ? none : new IValue(name(then));
        IValue scalars = convolutionPlus.numbers(11, new double[0]);
        Operator operator = inPlace ? convolutionPlusInPlace : convolutionPlus;
        return (x, addend) -> {
            try (IValue input = new IValue(x[0]);
                    IValue sum = new IValue(addend)) {
                return operator.call(
                        inPlace ? sum : input,
                        inPlace ? input : sum,
                        weight,
                        bias,
                        padding,
                        stride,
                        dilation,
                        groups,
                        plus,
                        none,
                        attribute,
                        scalars,
                        none);
            }
        };
    }

    /** X, W, B, attr, scalars, algorithm. */
    private Kernel linear(Linear l, Tensor example) {
        IValue weight = new IValue(packed(l, example));
        IValue bias = bias(l.bias());
        IValue attribute = new IValue(name(null));
        IValue scalars = linear.numbers(4, new double[0]);
        return (x, addend) -> {
            try (IValue input = new IValue(x[0])) {
                return linear.call(input, weight, bias, attribute, scalars, none);
            }
        };
    }

    private static String name(@Nullable Activation activation) {
        if (activation == null) {
            return "none";
        }
        return switch (activation) {
            case RELU -> "relu";
            case RELU6 -> "hardtanh";
            case SILU -> "swish";
            case SIGMOID -> "sigmoid";
        };
    }

    private IValue bias(@Nullable Tensor bias) {
        return bias == null ? none : new IValue(others.kept(bias));
    }

    /** self, padding, stride, dilation, groups, input_size. */
    private Tensor packed(Convolution c, Tensor example) {
        try (PointerScope scope = new PointerScope()) {
            Tensor weight = c.weight().to(type).contiguous();
            Tensor packed = packConvolution.call(
                    new IValue(weight),
                    packConvolution.numbers(1, c.padding(), c.padding()),
                    packConvolution.numbers(2, c.stride(), c.stride()),
                    packConvolution.numbers(3, 1L, 1L),
                    new IValue((long) c.groups()),
                    packConvolution.numbers(5, example.shape()));
            owner.attach(packed);
            return packed;
        }
    }

    /** self, batch_size. */
    private Tensor packed(Linear l, Tensor example) {
        try (PointerScope scope = new PointerScope()) {
            Tensor weight = l.weight().to(type).contiguous();
            Tensor packed = packLinear.call(new IValue(weight), new IValue(example.size(0)));
            owner.attach(packed);
            return packed;
        }
    }
}
