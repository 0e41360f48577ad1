package org.facerecognition.inference;

import java.util.List;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.GeneratorOptional;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.facerecognition.backbone.Backbone;
import org.facerecognition.backbone.BackboneOptions;
import org.facerecognition.backbone.Encoder;
import org.facerecognition.weights.NamedTensors;

/**
 * Randomly initialized networks for tests of preparation and export. They resemble trained networks: no normalization
 * is the identity, and activations stay in bounds.
 */
public final class CalmNets {
    /** The smallest image size that all encoders accept. */
    public static final int SIZE_PX = 32;

    private CalmNets() {}

    /** Returns a network in evaluation mode with weights, statistics, scales and shifts from a fixed seed; owned. */
    public static Backbone make(Encoder encoder, int embeddingSize) {
        return make(encoder, embeddingSize, SIZE_PX);
    }

    /** Returns the same for larger images. */
    public static Backbone make(Encoder encoder, int embeddingSize, int sizePx) {
        torch.manual_seed(7);
        Backbone net = encoder.create(
                encoder.lastLayerName(), List.of(embeddingSize), new BackboneOptions(sizePx, false, 0.4));
        try (PointerScope scope = new PointerScope();
                NoGradGuard noGrad = new NoGradGuard()) {
            NamedTensors.of(net).forEach(CalmNets::initialize);
        }
        net.eval();
        net.setChannelsLast(true);
        return net;
    }

    private static void initialize(String name, Tensor tensor) {
        GeneratorOptional generator = new GeneratorOptional();
        if (tensor.dim() > 1) {
            double inputs = (double) tensor.numel() / tensor.size(0);
            tensor.normal_(0, Math.sqrt(1.5 / inputs), generator);
        } else if (name.endsWith("running_var") || name.endsWith("weight")) {
            tensor.uniform_(0.5, 1.1, generator); // includes PReLU slopes
            if (name.contains("prelu")) {
                tensor.mul_(new Scalar(0.4));
            }
        } else if (name.endsWith("running_mean") || name.endsWith("bias")) {
            tensor.normal_(0, 0.1, generator);
        }
    }
}
