package org.facerecognition.train;

import java.util.BitSet;
import java.util.HashSet;
import java.util.Set;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.Module;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.SharedModuleVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.facerecognition.backbone.Backbone;
import org.facerecognition.data.UnsuitableDataException;
import org.facerecognition.natives.RandomStream;
import org.jspecify.annotations.Nullable;

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
     * Tries it once for each choice of trained layers that a freezer makes.
     *
     * @param net encoder and head
     * @param epochs number of the first epochs that are tried
     * @param ranks number of processes that share a batch
     * @throws IllegalArgumentException when the network cannot process one image
     */
    public void run(
            Module net,
            TrainableParameters trainable,
            @Nullable Freezer freezer,
            int epochs,
            ForwardPass forward,
            int batchSize,
            int ranks) {
        try (RandomStream unused = new RandomStream(device, 0)) {
            Set<BitSet> tried = new HashSet<>();
            for (int epoch = 0; epoch < (freezer == null ? 1 : epochs); epoch++) {
                net.train(true);
                trainable.freeze(freezer, epoch);
                if (tried.add(trainedLayers())) {
                    forward.drawingFrom(unused, () -> {
                        run(batchSize, ranks);
                        return null;
                    });
                }
            }
        } finally {
            trainable.restore();
            net.eval();
        }
    }

    /** Returns the layers of the encoder that are in training mode. */
    private BitSet trainedLayers() {
        try (PointerScope scope = new PointerScope()) {
            SharedModuleVector layers = encoder.modules();
            BitSet trained = new BitSet();
            for (int i = 0; i < layers.size(); i++) {
                trained.set(i, layers.get(i).is_training());
            }
            return trained;
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
                            + " whose batch normalization cannot work on a single image, but with a batch size of "
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
