package org.facerecognition;

import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.pytorch.BatchNorm2dImpl;
import org.bytedeco.pytorch.BatchNormOptions;
import org.bytedeco.pytorch.Conv2dImpl;
import org.bytedeco.pytorch.LinearImpl;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.facerecognition.backbone.Backbone;

/** A network that trains in milliseconds: convolution, batch normalization, pooling, dropout, linear layer. */
final class TinyBackbone extends Backbone {
    private final Conv2dImpl conv = register_module("conv", new Conv2dImpl(3, 8, new LongPointer(3, 3)));
    private final BatchNorm2dImpl bn = register_module("bn", new BatchNorm2dImpl(new BatchNormOptions(8)));
    private final LinearImpl fc;
    private final int embeddingSize;

    TinyBackbone(int embeddingSize) {
        super("Tiny");
        this.embeddingSize = embeddingSize;
        this.fc = register_module("fc", new LinearImpl(8 * 16, embeddingSize));
    }

    @Override
    public Tensor forward(Tensor images) {
        Tensor x = torch.relu(bn.forward(conv.forward(images)));
        x = torch.flatten(torch.adaptive_avg_pool2d(x, 4, 4), 1, -1);
        return fc.forward(torch.dropout(x, 0.2, is_training())); // makes results depend on the random state
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
        throw new IllegalStateException("the last layer of TinyBackbone cannot be replaced");
    }
}
