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
import org.facerecognition.train.FreezeBefore;
import org.facerecognition.train.History;
import org.facerecognition.weights.Weights;

/** Fine-tunes the weights of {@link Step1_TrainArcFace} to other people; only the last layers are trained. */
public final class Step5_FineTune {
    private Step5_FineTune() {}

    /** Argument: the folder of {@link Step1_TrainArcFace}; {@code face-steps} by default. */
    public static void main(String[] args) {
        Path folder = Path.of(args.length > 0 ? args[0] : "face-steps");
        int imageSizePx = 48;
        long seed = 0;
        var otherPeople = new SyntheticFaces(seed, imageSizePx).identities(20, 30);
        FaceDataset train = FaceDataset.synthetic(otherPeople.images(0, 6), Split.TRAIN);
        FaceDataset validation = FaceDataset.synthetic(otherPeople.images(6, 8), Split.VAL);

        RecognizerArgs model = RecognizerArgs.builder()
                .encoder(Encoder.RESNET18)
                .embeddingSize(64)
                .classes(train.classes())
                .s(10)
                .m(0.1)
                .imageSizePx(imageSizePx)
                .build();
        double learningRate = 3e-4;
        double weightDecay = 0.01;
        TrainerArgs training = TrainerArgs.builder()
                .optimizer(new AdamW(learningRate, weightDecay))
                .freezer(new FreezeBefore("encoder.layer4"))
                .featureCacheMib(64) // the frozen layers process each image only once
                .headFromMeans(true) // the centers start at the mean embeddings of the new people
                .epochs(2)
                .build();
        try (Recognizer recognizer = Recognizer.arcFace(model)) {
            Weights weights =
                    Weights.read(folder.resolve("arcface.model")); // or .pth, .pt, .safetensors from elsewhere
            System.out.println(recognizer.startFrom(weights));
            History history = new Trainer(training).fit(recognizer, train, validation);
            for (EpochReport epoch : history.epochs()) {
                System.out.printf(
                        Locale.ROOT,
                        "epoch %d: loss %.2f, validation accuracy %.2f%n",
                        epoch.epoch(),
                        epoch.trainLoss(),
                        epoch.valAccuracy());
            }
        }
    }
}

/* Prints:
 * Report[loaded=122, missing=[], unexpected=[], misshapen=[]]
 * epoch 1: loss 1.26, validation accuracy 0.55
 * epoch 2: loss 0.87, validation accuracy 0.75
 */
