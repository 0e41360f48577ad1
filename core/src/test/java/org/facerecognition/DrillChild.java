package org.facerecognition;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.IntStream;
import org.facerecognition.augment.TransformLine;
import org.facerecognition.backbone.Encoder;
import org.facerecognition.data.BadImages;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.Split;
import org.facerecognition.synthetic.SyntheticFaces;
import org.facerecognition.train.EpochReport;
import org.facerecognition.train.EpochReport.BestBy;
import org.facerecognition.train.FreezeBefore;
import org.facerecognition.train.History;
import org.facerecognition.train.LayerFreezer;
import org.facerecognition.train.StepReport;
import org.facerecognition.train.TrainingListener;

/**
 * A training in a process of its own that says what it is doing: {@code started N} before the first step of this
 * process, {@code step N} when step N is done, {@code validation} and {@code checkpoint} when one begins, {@code note
 * TEXT}, {@code done} at the end, or {@code error: TEXT}, then with exit code 1. All that can depend on chance or on
 * time is in use: dropout, batch normalization, augmentations, a margin that warms up, a freezer that changes by epoch,
 * validation and verification.
 */
final class DrillChild {
    private static final int CHECKPOINT_EVERY = 4;
    private static final int IMAGE_PX = 32;

    /** What is trained. */
    enum Variant {
        /** A network of the caller's own, which draws from libtorch's default generator. */
        PLAIN,
        /** A network of this library, which draws from the training's own generator. */
        RECIPE,
        /** With a memory for the features of frozen layers that is too small for all of them. */
        FROZEN,
        /** With a head that computes half of the identities in each step. */
        PARTIAL,
        /** With so many faces to verify that the network is prepared for them, by oneDNN's own library. */
        PREPARED;

        Recognizer recognizer() {
            if (this == PLAIN) {
                return TinyTraining.recognizer();
            }
            return Recognizer.arcFace(RecognizerArgs.builder()
                    .encoder(Encoder.RESNET18)
                    .embeddingSize(16)
                    .imageSizePx(IMAGE_PX)
                    .dropout(0.2)
                    .classes(this == PARTIAL ? 40 : TinyTraining.PEOPLE)
                    .partialFraction(this == PARTIAL ? 0.5 : 1)
                    .build());
        }

        FaceDataset unseen(FaceDataset validation) {
            return this == PREPARED
                    ? FaceDataset.synthetic(
                            new SyntheticFaces(1, IMAGE_PX).identities(0, 8).images(0, 65), Split.VAL)
                    : validation;
        }

        TrainerArgs.Builder args(int epochs) {
            TrainerArgs.Builder args =
                    TinyTraining.args().epochs(epochs).marginWarmupEpochs(3).gradientClip(5);
            return this == FROZEN
                    ? args.freezer(new FreezeBefore("encoder.layer3")).featureCacheMib(1)
                    : args.freezer(LayerFreezer.byEpoch(
                            "encoder",
                            IntStream.range(0, epochs)
                                    .mapToObj(epoch -> epoch % 3)
                                    .toList()));
        }
    }

    /** Prints where the training is. */
    private static final class Marker implements TrainingListener {
        private int savesBeforeValidation = -1; // -1 within an epoch

        @Override
        public void started(History soFar) {
            say("started " + soFar.steps());
        }

        @Override
        public void stepped(StepReport step) {
            say("step " + step.step());
            boolean saves = step.step() % CHECKPOINT_EVERY == 0;
            boolean epochEnds = step.batch() == step.batches();
            savesBeforeValidation = epochEnds ? (saves ? 2 : 1) : -1;
            if (saves || epochEnds) {
                say("checkpoint");
            }
        }

        @Override
        public void checkpointSaved(Path file) {
            if (savesBeforeValidation > 0) {
                savesBeforeValidation--;
                say(savesBeforeValidation == 0 ? "validation" : "checkpoint");
            } else if (savesBeforeValidation < 0) {
                say("resting"); // the next step begins
            }
        }

        @Override
        public void passed(String what, int done, int images) {
            if (what.equals("verification") && done == images) {
                say("checkpoint"); // best.ckpt perhaps, then last.ckpt
            }
        }

        @Override
        public void epochEnded(EpochReport epoch, History soFar) {
            savesBeforeValidation = -1;
            say("resting");
        }

        @Override
        public void skipped(Map<String, String> images) {
            say("skipped " + images.size());
        }

        @Override
        public void noted(String message) {
            say("note " + message);
        }
    }

    private DrillChild() {}

    private static void say(String line) {
        System.out.println(line); // flushed at once
    }

    /** The command that starts this class in a JVM that comes up quickly. */
    static List<String> command(List<String> jvmOptions, Object... args) {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC",
                "-Xmx256m",
                "-Dorg.bytedeco.javacpp.maxPhysicalBytes=0"));
        command.addAll(jvmOptions);
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), DrillChild.class.getName()));
        for (Object arg : args) {
            command.add(arg.toString());
        }
        return command;
    }

    /** Arguments: variant, folder of faces, checkpoint folder, epochs, loader threads, what to do about bad images. */
    public static void main(String[] args) {
        Variant variant = Variant.valueOf(args[0]);
        Path faces = Path.of(args[1]);
        FaceDataset train = FaceDataset.folders(faces, Split.TRAIN)
                .withAugmentations(
                        List.of(TransformLine.parse("RandomHorizontalFlip()").get(0), new TinyTraining.Noise(20)));
        FaceDataset validation = TinyTraining.validation(faces);
        TrainerArgs trainer = variant.args(Integer.parseInt(args[3]))
                .verification(variant.unseen(validation))
                .bestBy(BestBy.UNSEEN_AUC)
                .checkpoints(Path.of(args[2]))
                .checkpointEverySteps(CHECKPOINT_EVERY)
                .loaderThreads(Integer.parseInt(args[4]))
                .badImages(BadImages.valueOf(args[5].toUpperCase(Locale.ROOT)))
                .imageCacheMib(0) // so that images are read as long as the training runs
                .resume(true)
                .listeners(new Marker())
                .build();
        try (Recognizer recognizer = variant.recognizer()) {
            new Trainer(trainer).fit(recognizer, train, validation);
            say("done");
        } catch (RuntimeException e) {
            say("error: " + e.getMessage());
            System.exit(1);
        }
    }
}
