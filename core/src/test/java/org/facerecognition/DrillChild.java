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
 * The main class of a child process that trains and prints its progress, one line per event: {@code started N} before
 * the first step of this process, {@code step N} when step N is done, {@code validation} and {@code checkpoint} when
 * one begins, {@code resting} when it has ended, {@code skipped N}, {@code note TEXT}, and {@code done} at the end or
 * {@code error: TEXT} followed by exit code 1. The training run uses everything that can depend on random numbers or on
 * time: dropout, batch normalization, augmentations, margin warmup, a freezer that changes by epoch, validation and
 * verification.
 */
final class DrillChild {
    private static final int CHECKPOINT_EVERY = 4;
    private static final int IMAGE_PX = 32;

    /** The kind of network and training that runs. */
    enum Variant {
        /** A custom network, which uses libtorch's default generator. */
        PLAIN,
        /** A built-in network, which uses the random stream of its training run. */
        RECIPE,
        /** A built-in network with a feature cache for its frozen layers that is too small for all images. */
        FROZEN,
        /** A built-in network whose head samples half of the identities in each step (Partial FC). */
        PARTIAL,
        /** A built-in network with enough faces to verify that it is prepared for oneDNN's native library. */
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

    /** Prints the progress of the training run. */
    private static final class Marker implements TrainingListener {
        private int savesBeforeValidation = -1; // -1 within an epoch

        @Override
        public void started(History soFar) {
            print("started " + soFar.steps());
        }

        @Override
        public void stepped(StepReport step) {
            print("step " + step.step());
            boolean saves = step.step() % CHECKPOINT_EVERY == 0;
            boolean epochEnds = step.batch() == step.batches();
            savesBeforeValidation = epochEnds ? (saves ? 2 : 1) : -1;
            if (saves || epochEnds) {
                print("checkpoint");
            }
        }

        @Override
        public void checkpointSaved(Path file) {
            if (savesBeforeValidation > 0) {
                savesBeforeValidation--;
                print(savesBeforeValidation == 0 ? "validation" : "checkpoint");
            } else if (savesBeforeValidation < 0) {
                print("resting"); // the next step begins
            }
        }

        @Override
        public void passed(String what, int done, int images) {
            if (what.equals("verification") && done == images) {
                print("checkpoint"); // best.ckpt if it is the best epoch, then last.ckpt
            }
        }

        @Override
        public void epochEnded(EpochReport epoch, History soFar) {
            savesBeforeValidation = -1;
            print("resting");
        }

        @Override
        public void skipped(Map<String, String> images) {
            print("skipped " + images.size());
        }

        @Override
        public void noted(String message) {
            print("note " + message);
        }
    }

    private DrillChild() {}

    private static void print(String line) {
        System.out.println(line); // flushed at once
    }

    /** Returns the command that runs this class in a new JVM, with options that make it start quickly. */
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

    /** Trains; arguments: variant, folder of faces, checkpoint folder, epochs, loader threads, bad-image policy. */
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
                .imageCacheMib(0) // so that images are read throughout the training run
                .resume(true)
                .listeners(new Marker())
                .build();
        try (Recognizer recognizer = variant.recognizer()) {
            new Trainer(trainer).fit(recognizer, train, validation);
            print("done");
        } catch (RuntimeException e) {
            print("error: " + e.getMessage());
            System.exit(1);
        }
    }
}
