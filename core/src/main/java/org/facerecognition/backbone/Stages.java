package org.facerecognition.backbone;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.bytedeco.pytorch.Module;
import org.bytedeco.pytorch.Tensor;
import org.facerecognition.graph.GraphBuilder;
import org.facerecognition.graph.Value;

/**
 * What a net does before its end, layer after layer, each with its module's name in the net: {@code conv1}, {@code layer3.0},
 * {@code features.9}. A sequence's members are layers of their own, so that the net can be run in two parts.
 */
final class Stages implements Layer {
    private record Stage(String name, Layer layer) {}

    private final List<Stage> stages = new ArrayList<>();
    private final List<Module> modules = new ArrayList<>(); // as they were added

    /** @param name of a module of the net's, registered already */
    <M extends Module> Stages add(String name, M module, Function<M, Layer> forward) {
        modules.add(module);
        addLayer(name, forward.apply(module));
        return this;
    }

    <M extends Module & Layer> Stages add(String name, M module) {
        return add(name, module, m -> m);
    }

    private void addLayer(String name, Layer layer) {
        if (layer instanceof Sequence sequence) {
            for (int i = 0; i < sequence.layers().size(); i++) {
                addLayer(name + "." + i, sequence.layers().get(i));
            }
        } else {
            stages.add(new Stage(name, layer));
        }
    }

    @Override
    public Tensor forward(Tensor x) {
        return run(0, stages.size(), x);
    }

    /** Those before a layer. */
    Tensor before(String layer, Tensor x) {
        return run(0, place(layer), x);
    }

    /** A layer and those after it. */
    Tensor from(String layer, Tensor x) {
        return run(place(layer), stages.size(), x);
    }

    private Tensor run(int from, int to, Tensor x) {
        for (Stage stage : stages.subList(from, to)) {
            x = stage.layer().forward(x);
        }
        return x;
    }

    private int place(String layer) {
        for (int i = 0; i < stages.size(); i++) {
            String name = stages.get(i).name();
            if (name.equals(layer) || name.startsWith(layer + ".")) {
                return i;
            }
        }
        throw new IllegalArgumentException("layer to run a net from must be one of "
                + stages.stream().map(Stage::name).toList() + ", but was \"" + layer + "\"");
    }

    Value describe(GraphBuilder graph, Value x) {
        return Layers.describe(graph, x, modules.toArray(Module[]::new));
    }
}
