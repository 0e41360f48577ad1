package org.facerecognition.graph;

import java.util.ArrayList;
import java.util.List;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.pytorch.BatchNorm1dImpl;
import org.bytedeco.pytorch.BatchNorm2dImpl;
import org.bytedeco.pytorch.Conv2dImpl;
import org.bytedeco.pytorch.DetailConv2dOptions;
import org.bytedeco.pytorch.LinearImpl;
import org.bytedeco.pytorch.MaxPool2dImpl;
import org.bytedeco.pytorch.PReLUImpl;
import org.bytedeco.pytorch.Tensor;
import org.facerecognition.graph.Operation.Activation;
import org.facerecognition.graph.Operation.BatchNorm;
import org.facerecognition.graph.Operation.Convolution;
import org.facerecognition.graph.Operation.Linear;
import org.facerecognition.graph.Operation.MaxPool;
import org.facerecognition.graph.Operation.PRelu;

/** Takes down what a network does, layer by layer; see {@link Graph#of}. */
public final class GraphBuilder {
    private final List<Node> nodes = new ArrayList<>();

    GraphBuilder() {}

    List<Node> nodes() {
        return nodes;
    }

    /**
     * Any operation.
     *
     * @throws IllegalArgumentException when it does not take as many inputs
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

    /** @throws IllegalArgumentException when it is not alike in both directions, or dilated */
    public Value convolution(Conv2dImpl layer, Value x) {
        DetailConv2dOptions options = layer.options();
        if (options.dilation().get(0) != 1 || options.dilation().get(1) != 1) {
            throw new IllegalArgumentException("dilation must be 1, but was " + options.dilation());
        }
        Tensor bias = layer.bias();
        return add(
                new Convolution(
                        layer.weight().detach(),
                        bias.defined() ? bias.detach() : null,
                        same("stride", options.stride()),
                        same("padding", options.padding().get0()),
                        (int) options.groups().get()),
                x);
    }

    public Value batchNorm(BatchNorm2dImpl layer, Value x) {
        return add(
                new BatchNorm(
                        layer.running_mean(),
                        layer.running_var(),
                        layer.weight().detach(),
                        layer.bias().detach(),
                        layer.options().eps().get()),
                x);
    }

    public Value batchNorm(BatchNorm1dImpl layer, Value x) {
        return add(
                new BatchNorm(
                        layer.running_mean(),
                        layer.running_var(),
                        layer.weight().detach(),
                        layer.bias().detach(),
                        layer.options().eps().get()),
                x);
    }

    public Value prelu(PReLUImpl layer, Value x) {
        return add(new PRelu(layer.weight().detach()), x);
    }

    public Value linear(LinearImpl layer, Value x) {
        Tensor bias = layer.bias();
        return add(new Linear(layer.weight().detach(), bias.defined() ? bias.detach() : null), x);
    }

    /** @throws IllegalArgumentException when it is not alike in both directions */
    public Value maxPool(MaxPool2dImpl layer, Value x) {
        var options = layer.options();
        return add(
                new MaxPool(
                        same("kernel", options.kernel_size()),
                        same("stride", options.stride()),
                        same("padding", options.padding())),
                x);
    }

    public Value relu(Value x) {
        return add(Activation.RELU, x);
    }

    public Value relu6(Value x) {
        return add(Activation.RELU6, x);
    }

    public Value silu(Value x) {
        return add(Activation.SILU, x);
    }

    public Value sigmoid(Value x) {
        return add(Activation.SIGMOID, x);
    }

    public Value plus(Value a, Value b) {
        return add(new Operation.Add(), a, b);
    }

    /** @param weights [B, C, 1, 1] */
    public Value scale(Value x, Value weights) {
        return add(new Operation.Scale(), x, weights);
    }

    public Value globalAveragePool(Value x) {
        return add(new Operation.GlobalAveragePool(), x);
    }

    public Value flatten(Value x) {
        return add(new Operation.Flatten(), x);
    }

    private static int same(String what, LongPointer pair) {
        if (pair.get(0) != pair.get(1)) {
            throw new IllegalArgumentException(
                    what + " must be the same in both directions, but was " + pair.get(0) + "x" + pair.get(1));
        }
        return (int) pair.get(0);
    }
}
