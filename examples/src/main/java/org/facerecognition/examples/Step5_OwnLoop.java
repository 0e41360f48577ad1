package org.facerecognition.examples;

import java.util.List;
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
public final class Step5_OwnLoop {
    private Step5_OwnLoop() {}

    /** Trains for two epochs and prints the loss of each step; takes no arguments. */
    public static void main(String[] args) {
        FaceDataset faces =
                FaceDataset.synthetic(new SyntheticFaces(0, 64).identities(0, 4).images(0, 8), Split.TRAIN);
        var settings = BatchLoader.Settings.of(64, Normalization.SYMMETRIC)
                .withBatchSize(8)
                .withSampler(Sampler.shuffled());
        try (Backbone backbone = Encoder.RESNET18.create("fc", List.of(64));
                MarginSoftmax head = new MarginSoftmax(faces.classes(), 64, new ArcFaceMargin(10, 0.1));
                ParameterOptimizer optimizer = optimizer(backbone, head);
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
                            optimizer.step(1e-3);
                            optimizer.zeroGrad();
                            System.out.printf("epoch %d, %s: loss %.4f%n", epoch, batch, loss.item_float());
                        }
                    }
                }
            }
        }
    }

    private static ParameterOptimizer optimizer(Backbone backbone, MarginSoftmax head) {
        OptimizerSettings adam = new AdamW(1e-3, 0.01);
        try (PointerScope scope = new PointerScope()) {
            return adam.over(List.of(
                    new ParameterGroup(NamedTensors.parameters(backbone), 1, adam.weightDecay()),
                    new ParameterGroup(NamedTensors.parameters(head), 1, 0)));
        }
    }
}
