package org.facerecognition.backbone;

import java.util.ArrayList;
import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.facerecognition.graph.GraphBuilder;
import org.facerecognition.graph.Value;

/**
 * The layers of a network before its head, in the order in which they run. Each has the name of its module in the
 * network: {@code conv1}, {@code layer3.0}, {@code features.9}. The members of a sequence are stages themselves, so
 * that the network can be split between any two of them.
 */
final class Stages implements Layer {
    private record Stage(String name, Layer layer) {}

    private final List<Stage> stages = new ArrayList<>();

    /** Appends a layer; a sequence is appended member by member. */
    void add(String name, Layer layer) {
        if (layer instanceof Sequence sequence) {
            for (int i = 0; i < sequence.layers().size(); i++) {
                add(name + "." + i, sequence.layers().get(i));
            }
        } else {
            stages.add(new Stage(name, layer));
        }
    }

    @Override
    public Tensor forward(Tensor x) {
        return run(0, stages.size(), x);
    }

    /** Runs the stages before a layer. */
    Tensor before(String layer, Tensor x) {
        return run(0, indexOf(layer), x);
    }

    /** Runs a layer and the stages after it. */
    Tensor from(String layer, Tensor x) {
        return run(indexOf(layer), stages.size(), x);
    }

    private Tensor run(int from, int to, Tensor x) {
        return Layer.run(stages.subList(from, to).stream().map(Stage::layer).toList(), x);
    }

    /** @throws IllegalArgumentException if no stage has this name */
    void requireSplit(String layer) {
        indexOf(layer);
    }

    /** Returns the index of the stage with this name, or of the first member of the sequence with this name. */
    private int indexOf(String layer) {
        for (int i = 0; i < stages.size(); i++) {
            String name = stages.get(i).name();
            if (name.equals(layer) || name.startsWith(layer + ".")) {
                return i;
            }
        }
        throw new IllegalArgumentException("layer to split the network at must be one of "
                + stages.stream().map(Stage::name).toList() + ", but was \"" + layer + "\"");
    }

    @Override
    public Value describe(GraphBuilder graph, Value x) {
        for (Stage stage : stages) {
            x = stage.layer().describe(graph, x);
        }
        return x;
    }
}
