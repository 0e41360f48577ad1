package org.facerecognition.backbone;

import org.bytedeco.pytorch.Module;
import org.bytedeco.pytorch.Tensor;

/**
 * A backbone of the library: stages, between which the network can be split, and a head that turns their output into
 * embeddings.
 */
abstract class StagedBackbone extends Backbone {
    private final Stages stages = new Stages();

    StagedBackbone(String name) {
        super(name);
    }

    /** Registers a layer under its name and appends it to the stages. */
    final void addStage(String name, Module layer) {
        stages.add(name, add(name, layer));
    }

    /** Registers a layer of the head under its name and returns it. */
    final Layer add(String name, Module layer) {
        layer.train(is_training()); // a new layer of a network that evaluates does not train
        return Layer.of(register_module(name, layer));
    }

    /**
     * Zeroes features before a layer of the head with a probability, if that layer trains: the children of a network
     * may be frozen while the network itself is in training mode.
     *
     * @param layer a child that this network has registered; borrowed
     * @return scoped
     */
    static Tensor dropoutBefore(Module layer, Tensor x, double p) {
        return Layers.dropout(x, p, layer.is_training());
    }

    /** Returns the stages that the constructor has added, in that order. */
    final Stages stages() {
        return stages;
    }

    /** Returns whether a layer is the last one, which is in the head, or a part of it. */
    final boolean isLast(String layer) {
        String last = lastLayerName();
        return layer.equals(last) || layer.startsWith(last + ".") || last.startsWith(layer + ".");
    }

    /**
     * Turns the output of the stages into embeddings.
     *
     * @return [B, D], scoped
     */
    abstract Tensor head(Tensor x);

    /** Throws unless images have the size of a network whose last layer is as large as its input. */
    static void requireSize(Tensor images, int sizePx) {
        if (images.size(2) != sizePx || images.size(3) != sizePx) {
            throw new IllegalArgumentException("images must be " + sizePx + "x" + sizePx
                    + ", the size this network was built for, but were " + images.size(3) + "x" + images.size(2));
        }
    }
}
