package org.facerecognition.examples;

import java.nio.file.Path;
import org.facerecognition.Recognizer;
import org.facerecognition.RecognizerArgs;
import org.facerecognition.Trainer;
import org.facerecognition.TrainerArgs;
import org.facerecognition.backbone.Encoder;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.Split;
import org.facerecognition.synthetic.SyntheticFaces;
import org.facerecognition.train.StepReport;
import org.facerecognition.train.TrainingListener;

/** Observes a training, stops it, and resumes it from its checkpoint. */
public final class Step4_StopAndResume {
    private Step4_StopAndResume() {}

    /** Trains for three steps, then resumes to the end. Argument: a folder for the checkpoints. */
    public static void main(String[] args) {
        var faces = new SyntheticFaces(0, 64);
        FaceDataset train = FaceDataset.synthetic(faces.identities(0, 4).images(0, 8), Split.TRAIN);
        FaceDataset validation = FaceDataset.synthetic(faces.identities(0, 4).images(8, 10), Split.VAL);
        TrainingListener printer = new TrainingListener() {
            @Override
            public void stepped(StepReport step) {
                System.out.printf("step %d: loss %.4f%n", step.step(), step.loss());
            }

            @Override
            public void checkpointSaved(Path file) {
                System.out.println("checkpoint: " + file);
            }
        };
        TrainerArgs.Builder trainer = TrainerArgs.builder()
                .batchSize(8)
                .epochs(2)
                .checkpoints(Path.of(args[0]))
                .listeners(printer);

        try (Recognizer recognizer = newRecognizer(train)) {
            new Trainer(trainer.maxSteps(3).build()).fit(recognizer, train, validation);
        }
        try (Recognizer recognizer = newRecognizer(train)) { // usually in another process
            new Trainer(trainer.maxSteps(0).resume(true).build()).fit(recognizer, train, validation);
        }
    }

    private static Recognizer newRecognizer(FaceDataset train) {
        return Recognizer.arcFace(RecognizerArgs.builder()
                .encoder(Encoder.RESNET18)
                .embeddingSize(64)
                .classes(train.classes())
                .imageSizePx(64)
                .build());
    }
}
