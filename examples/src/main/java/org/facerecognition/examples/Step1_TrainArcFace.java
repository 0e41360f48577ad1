package org.facerecognition.examples;

import java.nio.file.Path;
import java.util.Locale;
import org.facerecognition.Recognizer;
import org.facerecognition.RecognizerArgs;
import org.facerecognition.Trainer;
import org.facerecognition.TrainerArgs;
import org.facerecognition.backbone.Encoder;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.Split;
import org.facerecognition.synthetic.SyntheticFaces;
import org.facerecognition.train.AdamW;
import org.facerecognition.train.EpochReport;
import org.facerecognition.train.History;

/** Trains a small network with ArcFace on synthetic people and saves the model, which later steps use. */
public final class Step1_TrainArcFace {
    private Step1_TrainArcFace() {}

    /** Argument: a folder for the results of all steps; {@code face-steps} by default. */
    public static void main(String[] args) {
        Path folder = Path.of(args.length > 0 ? args[0] : "face-steps");
        int imageSizePx = 48;
        long seed = 0;
        var people = new SyntheticFaces(seed, imageSizePx).identities(0, 20);
        FaceDataset train = FaceDataset.synthetic(people.images(0, 8), Split.TRAIN);
        FaceDataset validation = FaceDataset.synthetic(people.images(8, 10), Split.VAL);

        RecognizerArgs model = RecognizerArgs.builder()
                .encoder(Encoder.RESNET18)
                .embeddingSize(64)
                .classes(train.classes())
                .s(10)
                .m(0.1)
                .imageSizePx(imageSizePx)
                .build();
        double learningRate = 1e-3;
        double weightDecay = 0.01;
        TrainerArgs training = TrainerArgs.builder()
                .optimizer(new AdamW(learningRate, weightDecay))
                .batchSize(16)
                .epochs(3)
                .build();
        try (Recognizer recognizer = Recognizer.arcFace(model)) {
            History history = new Trainer(training).fit(recognizer, train, validation);
            for (EpochReport epoch : history.epochs()) {
                System.out.printf(
                        Locale.ROOT,
                        "epoch %d: loss %.2f, validation accuracy %.2f%n",
                        epoch.epoch(),
                        epoch.trainLoss(),
                        epoch.valAccuracy());
            }
            recognizer.save(folder.resolve("arcface.model"));
            System.out.println("saved " + recognizer.identities().size() + " people and their network");
        }
    }
}

/* Prints:
 * epoch 1: loss 4.11, validation accuracy 0.25
 * epoch 2: loss 2.25, validation accuracy 0.55
 * epoch 3: loss 1.15, validation accuracy 0.55
 * saved 20 people and their network
 */
