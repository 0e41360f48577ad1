package org.facerecognition;

import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.pytorch.Conv2dImpl;
import org.bytedeco.pytorch.LinearImpl;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.facerecognition.backbone.Backbone;

/**
 * A network without batch normalization, without randomness and without kinks: a rounding error stays one from step to
 * step, so that trainings can be compared closely.
 */
final class SmoothBackbone extends Backbone {
    private final Conv2dImpl conv = register_module("conv", new Conv2dImpl(3, 8, new LongPointer(3, 3)));
    private final LinearImpl hidden = register_module("hidden", new LinearImpl(8 * 16, 64));
    private final LinearImpl fc;
    private final int embeddingSize;

    SmoothBackbone(int embeddingSize) {
        super("Smooth");
        this.embeddingSize = embeddingSize;
        this.fc = register_module("fc", new LinearImpl(64, embeddingSize));
    }

    @Override
    public Tensor forward(Tensor images) {
        Tensor x = torch.tanh(conv.forward(images)); // [B, 8, H, W]
        x = torch.flatten(torch.adaptive_avg_pool2d(x, 4, 4), 1, -1);
        return fc.forward(torch.tanh(hidden.forward(x)));
    }

    @Override
    public int embeddingSize() {
        return embeddingSize;
    }

    @Override
    public String lastLayerName() {
        return "fc";
    }

    @Override
    public void replaceLastLayer(String name, int... sizes) {
        checkReplacement(name, sizes);
        throw new IllegalStateException("the last layer of SmoothBackbone cannot be replaced");
    }
}
