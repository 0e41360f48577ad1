package org.facerecognition;

import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.facerecognition.augment.RandomHorizontalFlip;
import org.facerecognition.backbone.Encoder;
import org.facerecognition.data.FaceDataset;
import org.facerecognition.data.Split;
import org.facerecognition.distributed.Distributed;
import org.facerecognition.losses.LossName;
import org.facerecognition.natives.ComputeDevice;
import org.facerecognition.natives.Precision;
import org.facerecognition.synthetic.SyntheticFaces;
import org.facerecognition.train.LayerFreezer;
import org.facerecognition.train.Sgd;
import org.facerecognition.train.StepReport;
import org.facerecognition.train.TrainingListener;

/**
 * The main class of a process that trains as one of several and prints each step and its loss. Started by a launcher's
 * environment variables, or alone without them. Ends with code 1 and one sentence when the training fails.
 */
final class RankChild {
    private final Map<String, String> options = new HashMap<>();

    private RankChild(String... args) {
        for (String arg : args) {
            String[] nameAndValue = arg.split("=", 2);
            options.put(nameAndValue[0], nameAndValue[1]);
        }
    }

    /** Trains; arguments are options such as {@code steps=20}. */
    public static void main(String[] args) {
        RankChild child = new RankChild(args);
        try (Distributed group = Distributed.fromEnvironment(Duration.ofSeconds(child.number("timeout", 60)))) {
            child.train(group);
        } catch (RuntimeException e) {
            System.out.println("error: " + e.getMessage());
            if (Boolean.getBoolean("trace")) {
                e.printStackTrace();
            }
            System.exit(1);
        }
    }

    private int number(String name, int fallback) {
        return Integer.parseInt(options.getOrDefault(name, Integer.toString(fallback)));
    }

    private boolean is(String name) {
        return Boolean.parseBoolean(options.getOrDefault(name, "false"));
    }

    private void train(Distributed group) {
        int classes = number("classes", 6);
        int px = number("px", 32);
        SyntheticFaces faces = new SyntheticFaces(0, px);
        FaceDataset train = FaceDataset.synthetic(
                        faces.identities(0, classes).images(0, number("images", 4)), Split.TRAIN)
                .withAugmentations(List.of(new RandomHorizontalFlip(0.5)));
        FaceDataset validation =
                FaceDataset.synthetic(faces.identities(0, classes).images(9, 10), Split.VAL);
        LossName loss = LossName.valueOf(options.getOrDefault("loss", "ARCFACE"));
        RecognizerArgs.Builder args = RecognizerArgs.builder()
                .encoder(Encoder.valueOf(
                        options.getOrDefault("encoder", "mobilefacenet").toUpperCase(Locale.ROOT)))
                .embeddingSize(32)
                .classes(classes)
                .imageSizePx(px)
                .partialFraction(Double.parseDouble(options.getOrDefault("partial", "1")));
        if (!loss.needsPairs()) {
            args.s(16).m(0.2);
        }
        TrainerArgs.Builder trainer = TrainerArgs.builder()
                .optimizer(new Sgd(Double.parseDouble(options.getOrDefault("lr", "0.02")), 0.9, 5e-4, false))
                .batchSize(number("batch", 8))
                .accumulation(number("accumulation", 1))
                .epochs(number("epochs", 1_000))
                .maxSteps(number("steps", 20))
                .precision(Precision.valueOf(options.getOrDefault("precision", "FP32")))
                .device(ComputeDevice.CPU)
                .seed(number("seed" + group.rank(), 0))
                .checkpointEverySteps(number("every", 0))
                .distributed(group)
                .syncBatchNorm(is("sync"))
                .listeners(reporting(group));
        if (options.containsKey("freeze")) {
            trainer.freezer(LayerFreezer.byEpoch("encoder", List.of(number("freeze", 0))));
        }
        if (options.containsKey("out")) {
            trainer.checkpoints(Path.of(options.get("out"))).resume(is("resume"));
        }
        try (Recognizer recognizer = Recognizer.withLoss(loss, args.build())) {
            new Trainer(trainer.build()).fit(recognizer, train, is("validate") ? validation : null);
        }
    }

    /** Prints the steps of rank 0; and makes a rank fail or sleep before a step, where that is asked for. */
    private TrainingListener reporting(Distributed group) {
        return new TrainingListener() {
            @Override
            public void stepped(StepReport step) {
                if (group.rank() == 0 || is("all")) {
                    System.out.println(step.step() + " " + step.loss());
                }
                if (step.step() == number("fail" + group.rank(), -1)) {
                    throw new IllegalStateException("the disk of this rank is full");
                }
                if (step.step() == number("halt" + group.rank(), -1)) {
                    Runtime.getRuntime().halt(137);
                }
                if (step.step() == number("sleep" + group.rank(), -1)) {
                    try {
                        Thread.sleep(1_000_000);
                    } catch (InterruptedException e) {
                        Thread.currentThread().interrupt();
                    }
                }
            }
        };
    }
}
