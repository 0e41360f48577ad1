package org.facerecognition.examples.web;

import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.facerecognition.backbone.Backbone;

/** A backbone without parameters, whose embedding is the image reduced to 8x8 pixels: similar layouts match. */
final class PixelBackbone extends Backbone {
    private static final int SIDE = 8;

    PixelBackbone() {
        super("Pixels");
    }

    @Override
    public Tensor forward(Tensor images) {
        return torch.flatten(torch.adaptive_avg_pool2d(images, SIDE, SIDE), 1, -1); // [B, 192]
    }

    @Override
    public int embeddingSize() {
        return 3 * SIDE * SIDE;
    }

    @Override
    public String lastLayerName() {
        return "none";
    }

    @Override
    public void replaceLastLayer(String name, int... sizes) {
        throw new IllegalStateException("this network has no layers");
    }
}
