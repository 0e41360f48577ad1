package org.facerecognition.graph;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Supplier;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.pytorch.BatchNorm1dImpl;
import org.bytedeco.pytorch.BatchNorm2dImpl;
import org.bytedeco.pytorch.BatchNormOptions;
import org.bytedeco.pytorch.Conv2dImpl;
import org.bytedeco.pytorch.Conv2dPadding;
import org.bytedeco.pytorch.DetailConv2dOptions;
import org.bytedeco.pytorch.LinearImpl;
import org.bytedeco.pytorch.MaxPool2dImpl;
import org.bytedeco.pytorch.MaxPool2dOptions;
import org.bytedeco.pytorch.PReLUImpl;
import org.bytedeco.pytorch.Tensor;
import org.facerecognition.graph.Operation.Activation;
import org.facerecognition.graph.Operation.BatchNorm;
import org.facerecognition.graph.Operation.Convolution;
import org.facerecognition.graph.Operation.Linear;
import org.facerecognition.graph.Operation.MaxPool;
import org.facerecognition.graph.Operation.PRelu;

/**
 * Records the operations of a network, layer by layer; see {@link Graph#of}. A layer is recorded exactly or rejected:
 * ignoring options that an {@link Operation} cannot express would prepare or export a different network.
 */
public final class GraphBuilder {
    private final List<Node> nodes = new ArrayList<>();

    GraphBuilder() {}

    List<Node> nodes() {
        return nodes;
    }

    /**
     * Records any operation and returns its output.
     *
     * @throws IllegalArgumentException if the operation takes another number of inputs
     */
    public Value add(Operation operation, Value... inputs) {
        nodes.add(new Node(operation, List.of(inputs)));
        return new Value(nodes.size() - 1);
    }

    Operation operation(Value value) {
        return nodes.get(value.node()).operation();
    }

    Value[] inputs(Value value) {
        return nodes.get(value.node()).inputs().toArray(Value[]::new);
    }

    /**
     * Records a convolution.
     *
     * @throws UnsupportedOperationException if the layer has options that {@link Convolution} lacks: padding with
     *     anything but zeros, dilation, or strides or paddings that differ in the two directions
     */
    public Value convolution(Conv2dImpl layer, Value x) {
        DetailConv2dOptions options = layer.options();
        one("dilation of a convolution", options.dilation());
        if (!holds(options.padding_mode()::get0)) {
            throw unsupported("padding mode of a convolution must be zeros", "reflect, replicate or circular");
        }
        Tensor bias = layer.bias();
        return add(
                new Convolution(
                        Constant.of(layer.weight().detach()),
                        bias.defined() ? Constant.of(bias.detach()) : null,
                        same("stride of a convolution", options.stride()),
                        padding(options),
                        (int) options.groups().get()),
                x);
    }

    /** Returns the padding, given as numbers or by name: "valid" is none, "same" keeps the size of the image. */
    private static int padding(DetailConv2dOptions options) {
        Conv2dPadding padding = options.padding();
        if (holds(padding::get0)) {
            return same("padding of a convolution", padding.get0());
        }
        if (holds(padding::get1)) {
            return 0;
        }
        int kernel = same("kernel of a convolution with padding \"same\"", options.kernel_size());
        if (kernel % 2 == 0) {
            throw unsupported("kernel of a convolution with padding \"same\" must be odd", Integer.toString(kernel));
        }
        return kernel / 2;
    }

    /** Returns whether a C++ variant holds the getter's alternative; for any other, the getter throws. */
    private static boolean holds(Supplier<?> getter) {
        try {
            getter.get();
            return true;
        } catch (RuntimeException e) {
            return false;
        }
    }

    /**
     * Records a batch normalization.
     *
     * @throws UnsupportedOperationException if the layer has no running statistics and so normalizes by those of the
     *     batch in evaluation mode too
     */
    public Value batchNorm(BatchNorm2dImpl layer, Value x) {
        return batchNorm(layer.options(), layer.running_mean(), layer.running_var(), layer.weight(), layer.bias(), x);
    }

    /**
     * Records a batch normalization.
     *
     * @throws UnsupportedOperationException if the layer has no running statistics and so normalizes by those of the
     *     batch in evaluation mode too
     */
    public Value batchNorm(BatchNorm1dImpl layer, Value x) {
        return batchNorm(layer.options(), layer.running_mean(), layer.running_var(), layer.weight(), layer.bias(), x);
    }

    private Value batchNorm(
            BatchNormOptions options, Tensor mean, Tensor variance, Tensor weight, Tensor bias, Value x) {
        if (!mean.defined() || !variance.defined()) {
            throw unsupported("batch normalization must track running statistics", "one without");
        }
        return add(
                new BatchNorm(
                        Constant.of(mean),
                        Constant.of(variance),
                        weight.defined() ? Constant.of(weight.detach()) : fixed(1, mean),
                        bias.defined() ? Constant.of(bias.detach()) : fixed(0, mean),
                        options.eps().get()),
                x);
    }

    /** Returns a number for each channel; the network has no tensor of it. */
    private static Constant fixed(float number, Tensor channels) {
        float[] values = new float[Math.toIntExact(channels.numel())];
        Arrays.fill(values, number);
        return Constant.of(values, values.length);
    }

    /** Records a PReLU. */
    public Value prelu(PReLUImpl layer, Value x) {
        return add(new PRelu(Constant.of(layer.weight().detach())), x);
    }

    /** Records a linear layer. */
    public Value linear(LinearImpl layer, Value x) {
        Tensor bias = layer.bias();
        return add(
                new Linear(Constant.of(layer.weight().detach()), bias.defined() ? Constant.of(bias.detach()) : null),
                x);
    }

    /**
     * Records a max pooling.
     *
     * @throws UnsupportedOperationException if the layer has options that {@link MaxPool} lacks: dilation, sizes
     *     rounded up, or windows that differ in the two directions
     */
    public Value maxPool(MaxPool2dImpl layer, Value x) {
        MaxPool2dOptions options = layer.options();
        one("dilation of a max pooling", options.dilation());
        if (options.ceil_mode().get()) {
            throw unsupported("ceil_mode of a max pooling must be false", "true");
        }
        return add(
                new MaxPool(
                        same("kernel of a max pooling", options.kernel_size()),
                        same("stride of a max pooling", options.stride()),
                        same("padding of a max pooling", options.padding())),
                x);
    }

    /** Records max(x, 0). */
    public Value relu(Value x) {
        return add(Activation.RELU, x);
    }

    /** Records min(max(x, 0), 6). */
    public Value relu6(Value x) {
        return add(Activation.RELU6, x);
    }

    /** Records x * sigmoid(x). */
    public Value silu(Value x) {
        return add(Activation.SILU, x);
    }

    /** Records the logistic function. */
    public Value sigmoid(Value x) {
        return add(Activation.SIGMOID, x);
    }

    /** Records the sum of two values of the same shape. */
    public Value plus(Value a, Value b) {
        return add(new Operation.Add(), a, b);
    }

    /**
     * Records the product of {@code x} with one weight per channel.
     *
     * @param x [B, C, H, W]
     * @param weights [B, C, 1, 1]
     */
    public Value scale(Value x, Value weights) {
        return add(new Operation.Scale(), x, weights);
    }

    /** Records the average over the image, [B, C, H, W] to [B, C, 1, 1]. */
    public Value globalAveragePool(Value x) {
        return add(new Operation.GlobalAveragePool(), x);
    }

    /** Records the flattening of [B, C, H, W] to [B, C * H * W]. */
    public Value flatten(Value x) {
        return add(new Operation.Flatten(), x);
    }

    /** Returns the number that a pair holds twice. */
    private static int same(String what, LongPointer pair) {
        if (pair.get(0) != pair.get(1)) {
            throw unsupported(what + " must be the same in both directions", pair.get(0) + "x" + pair.get(1));
        }
        return (int) pair.get(0);
    }

    private static void one(String what, LongPointer pair) {
        if (pair.get(0) != 1 || pair.get(1) != 1) {
            throw unsupported(what + " must be 1", pair.get(0) + "x" + pair.get(1));
        }
    }

    private static UnsupportedOperationException unsupported(String rule, String value) {
        return new UnsupportedOperationException(
                rule + " in a net to be prepared or exported, but was " + value + "; use the unprepared network");
    }
}
