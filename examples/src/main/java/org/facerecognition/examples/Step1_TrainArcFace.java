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
        FaceDataset train = FaceDataset.synthetic(faces, 0, 6, 0, 8, Split.TRAIN); // 6 people, 8 images each
        FaceDataset validation = FaceDataset.synthetic(faces, 0, 6, 8, 2, Split.VAL); // 2 other images each

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
