package org.facerecognition.backbone;

import org.bytedeco.pytorch.Module;

/** A module of several layers. Each layer is named once, where the constructor adds it. */
abstract class Block extends Module implements Layer {
    /** @param name class name of the module, which libtorch prints */
    Block(String name) {
        super(name);
    }

    /** Registers a child module under its name and returns it as a layer. */
    final Layer add(String name, Module child) {
        return Layer.of(register_module(name, child));
    }
}
