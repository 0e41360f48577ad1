package org.facerecognition.examples;

import org.facerecognition.Recognizer;
import org.facerecognition.RecognizerArgs;
import org.facerecognition.Trainer;
import org.facerecognition.TrainerArgs;
import org.facerecognition.backbone.Encoder;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.Split;
import org.facerecognition.synthetic.SyntheticFaces;
import org.facerecognition.train.AdamW;
import org.facerecognition.train.History;

/** Trains a small network with ArcFace on a few synthetic people. */
public final class Step1_TrainArcFace {
    private Step1_TrainArcFace() {}

    /** Trains for three epochs and prints their figures; takes no arguments. */
    public static void main(String[] args) {
        var faces = new SyntheticFaces(0, 64);
        // 6 people: the first 8 images of each for training, 2 others for validation
        FaceDataset train = FaceDataset.synthetic(faces.identities(0, 6).images(0, 8), Split.TRAIN);
        FaceDataset validation = FaceDataset.synthetic(faces.identities(0, 6).images(8, 10), Split.VAL);

        RecognizerArgs model = RecognizerArgs.builder()
                .encoder(Encoder.RESNET18)
                .embeddingSize(64)
                .classes(train.classes())
                .s(10)
                .m(0.1)
                .imageSizePx(64)
                .build();
        try (Recognizer recognizer = Recognizer.arcFace(model)) {
            History history = new Trainer(TrainerArgs.builder()
                            .optimizer(new AdamW(1e-3, 0.01))
                            .epochs(3)
                            .build())
                    .fit(recognizer, train, validation);
            history.epochs().forEach(System.out::println);
        }
    }
}
