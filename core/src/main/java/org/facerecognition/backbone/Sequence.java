package org.facerecognition.backbone;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.bytedeco.pytorch.Module;
import org.bytedeco.pytorch.Tensor;
import org.facerecognition.graph.GraphBuilder;
import org.facerecognition.graph.Value;
import org.facerecognition.natives.Initialization;

/**
 * Modules one after another, named 0, 1, 2, ... like torch's {@code nn.Sequential}. libtorch's own forgets the Java
 * type of its members and cannot call those written in Java, so the forward functions are kept here.
 */
final class Sequence extends Module implements Layer, Described {
    private final List<Layer> layers = new ArrayList<>();
    private final List<Module> modules = new ArrayList<>(); // the same

    Sequence() {
        super("Sequential");
    }

    <M extends Module> Sequence add(M module, Function<M, Layer> forward) {
        M registered = register_module(Integer.toString(layers.size()), module);
        layers.add(forward.apply(registered));
        modules.add(registered);
        return this;
    }

    /** Linear layers from {@code inputs} through each of {@code sizes}, with nothing between them. */
    static Sequence ofLinears(long inputs, int... sizes) {
        Sequence sequence = new Sequence();
        long from = inputs;
        for (int to : sizes) {
            sequence.add(Initialization.linear(from, to), m -> m::forward);
            from = to;
        }
        return sequence;
    }

    List<Layer> layers() {
        return layers;
    }

    @Override
    public Tensor forward(Tensor x) {
        for (Layer layer : layers) {
            x = layer.forward(x);
        }
        return x;
    }

    @Override
    public Value describe(GraphBuilder graph, Value x) {
        return Layers.describe(graph, x, modules.toArray(Module[]::new));
    }
}
