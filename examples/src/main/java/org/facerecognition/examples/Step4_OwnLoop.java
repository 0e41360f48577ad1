package org.facerecognition.examples;

import java.util.List;
import java.util.Locale;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.facerecognition.backbone.Backbone;
import org.facerecognition.backbone.Encoder;
import org.facerecognition.data.Batch;
import org.facerecognition.data.BatchLoader;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.Normalization;
import org.facerecognition.data.Sampler;
import org.facerecognition.data.Split;
import org.facerecognition.losses.ArcFaceMargin;
import org.facerecognition.losses.MarginSoftmax;
import org.facerecognition.synthetic.SyntheticFaces;
import org.facerecognition.train.AdamW;
import org.facerecognition.train.OptimizerSettings;
import org.facerecognition.train.ParameterGroup;
import org.facerecognition.train.ParameterOptimizer;
import org.facerecognition.weights.NamedTensors;

/** Writes a training loop over the lowest layer of the library: batches, a backbone, a head and an optimizer. */
public final class Step4_OwnLoop {
    private static final double LR_MULTIPLIER = 1;
    private static final double NO_DECAY = 0;

    private Step4_OwnLoop() {}

    /** Takes no arguments. */
    public static void main(String[] args) {
        int imageSizePx = 48;
        int embeddingSize = 64;
        double s = 10; // scale of the cosines
        double m = 0.1; // margin in radians
        double learningRate = 1e-3;
        long seed = 0;
        FaceDataset faces = FaceDataset.synthetic(
                new SyntheticFaces(seed, imageSizePx).identities(0, 4).images(0, 8), Split.TRAIN);
        var settings = BatchLoader.Settings.of(imageSizePx, Normalization.SYMMETRIC)
                .withBatchSize(8)
                .withSampler(Sampler.shuffled());
        try (Backbone backbone = Encoder.RESNET18.create("fc", List.of(embeddingSize));
                MarginSoftmax head = new MarginSoftmax(faces.classes(), embeddingSize, new ArcFaceMargin(s, m));
                ParameterOptimizer optimizer = optimizer(backbone, head, learningRate);
                BatchLoader loader = new BatchLoader(faces, settings)) {
            backbone.train(true);
            for (int epoch = 0; epoch < 2; epoch++) {
                try (BatchLoader.Epoch batches = loader.epoch(epoch)) {
                    while (batches.hasNext()) {
                        try (Batch batch = batches.next();
                                PointerScope scope = new PointerScope()) { // frees the step's tensors
                            Tensor embeddings = backbone.forward(batch.images()); // [B, D]
                            Tensor loss =
                                    head.forward(embeddings, batch.labels()).loss();
                            loss.backward();
                            optimizer.step(learningRate);
                            optimizer.zeroGrad();
                            System.out.printf(
                                    Locale.ROOT,
                                    "epoch %d: %d images, loss %.2f%n",
                                    epoch,
                                    batch.size(),
                                    loss.item_float());
                        }
                    }
                }
            }
        }
    }

    private static ParameterOptimizer optimizer(Backbone backbone, MarginSoftmax head, double learningRate) {
        double weightDecay = 0.01;
        OptimizerSettings adam = new AdamW(learningRate, weightDecay);
        try (PointerScope scope = new PointerScope()) {
            return adam.over(List.of(
                    new ParameterGroup(NamedTensors.parameters(backbone), LR_MULTIPLIER, weightDecay),
                    new ParameterGroup(NamedTensors.parameters(head), LR_MULTIPLIER, NO_DECAY)));
        }
    }
}

/* Prints:
 * epoch 0: 8 images, loss 2.91
 * epoch 0: 8 images, loss 5.94
 * epoch 0: 8 images, loss 2.57
 * epoch 0: 8 images, loss 2.32
 * epoch 1: 8 images, loss 1.10
 * epoch 1: 8 images, loss 0.19
 * epoch 1: 8 images, loss 1.47
 * epoch 1: 8 images, loss 0.64
 */
