package org.facerecognition.train;

import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.Module;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.facerecognition.backbone.Backbone;
import org.facerecognition.data.UnsuitableDataException;
import org.facerecognition.natives.RandomStream;

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
     * Tries it in the first epoch and in the last, between which a freezer may change what is trained.
     *
     * @param net encoder and head
     * @param ranks number of processes that share a batch
     * @throws IllegalArgumentException when the network cannot process one image
     */
    public void run(
            Module net,
            TrainableParameters trainable,
            Optimization optimization,
            ForwardPass forward,
            int batchSize,
            int ranks) {
        try (RandomStream unused = new RandomStream(device, 0)) {
            for (int epoch : new int[] {0, optimization.epochs() - 1}) {
                net.train(true);
                trainable.freeze(optimization.freezer(), epoch);
                forward.drawingFrom(unused, () -> {
                    run(batchSize, ranks);
                    return null;
                });
            }
        } finally {
            trainable.restore();
            net.eval();
        }
    }

    /** Runs a forward pass in the network's present mode. */
    private void run(int batchSize, int ranks) {
        long size = imageSizePx;
        try (PointerScope scope = new PointerScope();
                NoGradGuard noGrad = new NoGradGuard();
                BufferCopies buffers = new BufferCopies(encoder)) {
            try {
                encoder.forward(torch.zeros(1, 3, size, size).to(device, ScalarType.Float));
            } catch (RuntimeException e) {
                throw String.valueOf(e.getMessage()).contains(COMPLAINT) ? refusal(batchSize, ranks, e) : e;
            } finally {
                buffers.restore(encoder);
            }
        }
    }

    private static IllegalArgumentException refusal(int batchSize, int ranks, RuntimeException cause) {
        if (ranks > 1) {
            return new IllegalArgumentException(
                    "each of the " + ranks + " processes must have at least 2 images of every batch for this network,"
                            + " whose batch normalization cannot work on a single image, but with batchSize "
                            + batchSize
                            + " one has fewer, of the last batch of an epoch or of all; use synchronized batch"
                            + " normalization, another batch size or fewer processes",
                    cause);
        }
        String rule = "batchSize must be at least 2 for this network, whose batch normalization cannot work on a single"
                + " image, but ";
        String wayOut = "; to average gradients over more images than fit into memory, use accumulation";
        return batchSize == 1
                ? new IllegalArgumentException(rule + "was 1" + wayOut, cause)
                : new UnsuitableDataException(rule + "the training data has one sample" + wayOut, cause);
    }
}
