package org.facerecognition.backbone;

import org.bytedeco.pytorch.Tensor;

/** One step of a network's forward pass. */
@FunctionalInterface
interface Layer {
    Tensor forward(Tensor x);
}
