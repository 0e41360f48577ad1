package org.facerecognition.train;

import java.util.LinkedHashMap;
import java.util.Map;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.facerecognition.backbone.Backbone;
import org.facerecognition.data.UnsuitableDataException;
import org.facerecognition.weights.NamedTensors;

/**
 * Tries whether a network can be trained on a batch of one image, which batch normalization over 1x1 maps cannot. The
 * network is not changed.
 */
public final class OneImageTrial {
    private static final String COMPLAINT = "more than 1 value per channel"; // libtorch's

    private final Backbone encoder;
    private final int imageSizePx;
    private final Device device;

    public OneImageTrial(Backbone encoder, int imageSizePx, Device device) {
        this.encoder = encoder;
        this.imageSizePx = imageSizePx;
        this.device = device;
    }

    /**
     * Runs a forward pass in the network's present mode.
     *
     * @throws IllegalArgumentException when the network cannot process one image
     */
    public void run(int batchSize) {
        long size = imageSizePx;
        try (PointerScope scope = new PointerScope();
                NoGradGuard noGrad = new NoGradGuard()) {
            Map<Tensor, Tensor> buffers = copiesOfBuffers();
            try {
                encoder.forward(torch.zeros(1, 3, size, size).to(device, ScalarType.Float));
            } catch (RuntimeException e) {
                throw String.valueOf(e.getMessage()).contains(COMPLAINT) ? refusal(batchSize, e) : e;
            } finally {
                buffers.forEach(Tensor::copy_);
            }
        }
    }

    private static IllegalArgumentException refusal(int batchSize, RuntimeException cause) {
        String rule = "batchSize must be at least 2 for this network, whose batch normalization cannot work on a single"
                + " image, but ";
        String wayOut = "; to average gradients over more images than fit into memory, use accumulation";
        return batchSize == 1
                ? new IllegalArgumentException(rule + "was 1" + wayOut, cause)
                : new UnsuitableDataException(rule + "the training data has one sample" + wayOut, cause);
    }

    /** Copies of the running means and variances, which a forward pass in training mode changes; scoped. */
    private Map<Tensor, Tensor> copiesOfBuffers() {
        Map<String, Tensor> parameters = NamedTensors.parameters(encoder);
        Map<Tensor, Tensor> copies = new LinkedHashMap<>();
        NamedTensors.of(encoder).forEach((name, tensor) -> {
            if (!parameters.containsKey(name)) {
                copies.put(tensor, tensor.clone());
            }
        });
        return copies;
    }
}
