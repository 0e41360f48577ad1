package org.facerecognition.backbone;

import java.util.ArrayList;
import java.util.List;
import org.bytedeco.pytorch.Module;
import org.bytedeco.pytorch.Tensor;
import org.facerecognition.graph.GraphBuilder;
import org.facerecognition.graph.Value;

/**
 * Runs modules one after another, like torch's {@code nn.Sequential}; they are named 0, 1, 2, ... libtorch's own class
 * forgets the Java type of its members and cannot call those written in Java, so this class keeps them as layers.
 */
final class Sequence extends Block {
    private final List<Layer> layers = new ArrayList<>();

    Sequence(Module... modules) {
        super("Sequential");
        for (Module module : modules) {
            append(module);
        }
    }

    /** Adds a module at the end and returns this sequence. */
    Sequence append(Module module) {
        layers.add(add(Integer.toString(layers.size()), module));
        return this;
    }

    List<Layer> layers() {
        return layers;
    }

    @Override
    public Tensor forward(Tensor x) {
        return Layer.run(layers, x);
    }

    @Override
    public Value describe(GraphBuilder graph, Value x) {
        for (Layer layer : layers) {
            x = layer.describe(graph, x);
        }
        return x;
    }
}
