package org.facerecognition;

import org.facerecognition.backbone.Backbone;

/** A custom network that changes what goes into a {@link TinyBackbone}, or what comes out. */
abstract class AroundTinyBackbone extends Backbone {
    final TinyBackbone net = register_module("net", new TinyBackbone(16));

    AroundTinyBackbone(String name) {
        super(name);
    }

    @Override
    public int embeddingSize() {
        return 16;
    }

    @Override
    public String lastLayerName() {
        return net.lastLayerName();
    }

    @Override
    public void replaceLastLayer(String name, int... sizes) {
        net.replaceLastLayer(name, sizes);
    }
}
