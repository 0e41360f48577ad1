package org.facerecognition.examples;

import java.nio.file.Path;
import org.facerecognition.Recognizer;
import org.facerecognition.RecognizerArgs;
import org.facerecognition.Trainer;
import org.facerecognition.TrainerArgs;
import org.facerecognition.augment.Presets;
import org.facerecognition.backbone.Encoder;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.Split;
import org.facerecognition.train.AdamW;

/** Trains ArcFace on a folder of aligned face crops, one folder per person, and writes the model. */
public final class TrainOnPhotographs {
    private TrainOnPhotographs() {}

    /** Arguments: folder of people, folder for checkpoints, number of epochs. */
    public static void main(String[] args) {
        // some images of every person are kept for validation
        FaceDataset train = FaceDataset.folders(Path.of(args[0]), Split.TRAIN).withAugmentations(Presets.fiveColor());
        FaceDataset validation = FaceDataset.folders(Path.of(args[0]), Split.VAL);
        RecognizerArgs model = RecognizerArgs.builder()
                .encoder(Encoder.RESNET34)
                .embeddingSize(512)
                .classes(train.classes())
                .s(5) // scale and margin of the study's best run; large data sets use s(64) and m(0.5)
                .m(0.1)
                .build();
        TrainerArgs training = TrainerArgs.builder()
                .optimizer(new AdamW(3e-4, 0.01))
                .batchSize(16)
                .epochs(Integer.parseInt(args[2]))
                .checkpoints(Path.of(args[1])) // last.ckpt and best.ckpt are models too
                .resume(true) // continue if a training was interrupted there
                .build();
        try (Recognizer recognizer = Recognizer.arcFace(model)) {
            new Trainer(training).fit(recognizer, train, validation);
        }
    }
}
