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
import org.facerecognition.train.StepReport;
import org.facerecognition.train.TrainingListener;

/** Observes a training, stops it, and resumes it from its checkpoint. */
public final class Step3_StopAndResume {
    private static final int IMAGE_SIZE_PX = 48;

    private Step3_StopAndResume() {}

    /** Argument: a folder for the results of all steps; {@code face-steps} by default. */
    public static void main(String[] args) {
        Path folder = Path.of(args.length > 0 ? args[0] : "face-steps").resolve("resumable");
        long seed = 0;
        var people = new SyntheticFaces(seed, IMAGE_SIZE_PX).identities(0, 4);
        FaceDataset train = FaceDataset.synthetic(people.images(0, 8), Split.TRAIN);
        FaceDataset validation = FaceDataset.synthetic(people.images(8, 10), Split.VAL);
        TrainingListener printer = new TrainingListener() {
            @Override
            public void stepped(StepReport step) {
                System.out.printf(Locale.ROOT, "step %d: loss %.2f%n", step.step(), step.loss());
            }

            @Override
            public void checkpointSaved(Path file) {
                if (file.endsWith("last.ckpt")) { // there is also best.ckpt
                    System.out.println("saved last.ckpt");
                }
            }
        };
        TrainerArgs.Builder trainer =
                TrainerArgs.builder().batchSize(8).epochs(2).checkpoints(folder).listeners(printer);

        try (Recognizer recognizer = newRecognizer(train)) {
            new Trainer(trainer.maxSteps(3).build()).fit(recognizer, train, validation);
        }
        System.out.println("stopped; resuming");
        try (Recognizer recognizer = newRecognizer(train)) { // usually in another process
            new Trainer(trainer.maxSteps(0).resume(true).build()).fit(recognizer, train, validation);
        }
    }

    private static Recognizer newRecognizer(FaceDataset train) {
        return Recognizer.arcFace(RecognizerArgs.builder()
                .encoder(Encoder.RESNET18)
                .embeddingSize(64)
                .classes(train.classes())
                .imageSizePx(IMAGE_SIZE_PX)
                .build());
    }
}

/* Prints:
 * step 1: loss 1.95
 * step 2: loss 2.04
 * step 3: loss 1.51
 * saved last.ckpt
 * stopped; resuming
 * step 4: loss 1.77
 * saved last.ckpt
 * saved last.ckpt
 * step 5: loss 0.22
 * step 6: loss 0.38
 * step 7: loss 0.53
 * step 8: loss 0.43
 * saved last.ckpt
 * saved last.ckpt
 */
