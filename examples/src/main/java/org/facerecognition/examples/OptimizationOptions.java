package org.facerecognition.examples;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.Predicate;
import org.facerecognition.TrainerArgs;
import org.facerecognition.examples.HelpSection.Heading;
import org.facerecognition.train.Adam;
import org.facerecognition.train.AdamW;
import org.facerecognition.train.FreezeBefore;
import org.facerecognition.train.Freezer;
import org.facerecognition.train.LayerFreezer;
import org.facerecognition.train.OptimizerSettings;
import org.facerecognition.train.Sgd;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Options of the optimizer, the learning rate schedule, the head's start and frozen layers. */
@HelpSection(Heading.OPTIMIZATION)
final class OptimizationOptions {
    enum Optimizer {
        ADAMW,
        ADAM,
        SGD
    }

    @Option(names = "--optimizer", paramLabel = "NAME", defaultValue = "adamw", description = "adamw, adam or sgd.")
    private Optimizer optimizer;

    @Option(names = "--lr", paramLabel = "RATE", defaultValue = "3e-4", description = "Learning rate.")
    private double learningRate;

    @Option(names = "--weight-decay", paramLabel = "DECAY", defaultValue = "0.01", description = "Weight decay.")
    private double weightDecay;

    @Option(names = "--momentum", paramLabel = "MOMENTUM", defaultValue = "0.9", description = "Momentum of sgd.")
    private double momentum;

    @Option(names = "--nesterov", description = "Use Nesterov's momentum, with sgd.")
    private boolean nesterov;

    @Option(
            names = "--head-lr-multiplier",
            paramLabel = "FACTOR",
            defaultValue = "1",
            description = "The head's learning rate is --lr times this.")
    private double headLrMultiplier;

    @Option(names = "--no-decay-norm-bias", description = "Apply no weight decay to batch normalization and biases.")
    private boolean noDecayNormBias;

    @Option(names = "--head-from-means", description = "Start the head from the mean embedding of each person.")
    private boolean headFromMeans;

    @Option(
            names = "--margin-warmup-epochs",
            paramLabel = "N",
            defaultValue = "0",
            description = "Epochs over which the margin grows from 0 to its value.")
    private int marginWarmupEpochs;

    @Option(
            names = "--clip",
            paramLabel = "NORM",
            defaultValue = "0",
            description = "Largest gradient norm; 0 for no clipping.")
    private double clip;

    @Option(
            names = "--accumulate",
            paramLabel = "N",
            defaultValue = "1",
            description = "Batches whose gradients are accumulated for one step, each by its number of images.")
    private int accumulation;

    @Mixin
    private ScheduleOptions schedule = new ScheduleOptions();

    @Option(
            names = "--freezer",
            paramLabel = "LIST",
            description = "How many of the encoder's first layers are frozen in each epoch, such as"
                    + " 7,7,7,6,6,6,5,5,5,2,2,2; or first:N (N in every epoch), before:LAYER (all before that layer, in"
                    + " every epoch), all:N (all for N epochs) or gradual:N (all but the last, one fewer every N"
                    + " epochs).")
    private String freezer;

    @Option(
            names = "--freezer-parent",
            paramLabel = "NAME",
            defaultValue = "encoder",
            description = "The module whose layers --freezer counts.")
    private String freezerParent;

    @Option(
            names = "--feature-cache-mib",
            paramLabel = "MIB",
            defaultValue = "0",
            description = "With --freezer before:LAYER, memory for the outputs of the frozen layers, so that they are"
                    + " computed once per image and not in every epoch; 0 for none. It helps little with"
                    + " augmentations that produce new images all the time; mirroring adds only one image to"
                    + " each.")
    private int featureCacheMib;

    /**
     * Applies the options.
     *
     * @param epochs number of epochs of the whole training, over which the schedule runs
     */
    TrainerArgs.Builder apply(TrainerArgs.Builder args, int epochs) {
        if (freezer != null) {
            args.freezer(parseFreezer());
        }
        return args.optimizer(settings())
                .learningRate(schedule.over(epochs))
                .featureCacheMib(featureCacheMib)
                .headLrMultiplier(headLrMultiplier)
                .headFromMeans(headFromMeans)
                .marginWarmupEpochs(marginWarmupEpochs)
                .decayNormAndBias(!noDecayNormBias)
                .gradientClip(clip)
                .accumulation(accumulation);
    }

    private OptimizerSettings settings() {
        return switch (optimizer) {
            case ADAMW -> new AdamW(learningRate, weightDecay);
            case ADAM -> new Adam(learningRate, weightDecay);
            case SGD -> new Sgd(learningRate, momentum, weightDecay, nesterov);
        };
    }

    /**
     * Returns a sentence for each setting that has no effect.
     *
     * @param epochs as in {@link #apply}
     * @param given returns whether an option is on the command line
     */
    List<String> warnings(int epochs, Predicate<String> given) {
        List<String> all = new ArrayList<>(schedule.warnings(epochs, learningRate, given));
        for (String name : List.of("--momentum", "--nesterov")) {
            if (optimizer != Optimizer.SGD && given.test(name)) {
                all.add(name + " has no effect with --optimizer "
                        + optimizer.name().toLowerCase(Locale.ROOT) + ": only sgd uses it");
            }
        }
        if (weightDecay == 0 && given.test("--no-decay-norm-bias")) {
            all.add("--no-decay-norm-bias has no effect with --weight-decay 0");
        }
        if (freezer == null && given.test("--freezer-parent")) {
            all.add("--freezer-parent has no effect without --freezer");
        }
        return all;
    }

    private Freezer parseFreezer() {
        try {
            if (freezer.startsWith("first:")) {
                return LayerFreezer.first(freezerParent, Integer.parseInt(freezer.substring("first:".length())));
            }
            if (freezer.startsWith("all:")) {
                return LayerFreezer.allFor(freezerParent, Integer.parseInt(freezer.substring("all:".length())));
            }
            if (freezer.startsWith("gradual:")) {
                return LayerFreezer.gradual(freezerParent, Integer.parseInt(freezer.substring("gradual:".length())));
            }
            if (freezer.startsWith("before:")) {
                return new FreezeBefore(freezerParent + "." + freezer.substring("before:".length()));
            }
            List<Integer> counts = Arrays.stream(freezer.split(","))
                    .map(count -> Integer.valueOf(count.trim()))
                    .toList();
            return LayerFreezer.byEpoch(freezerParent, counts);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(
                    "--freezer must be numbers separated by commas, first:N, before:LAYER, all:N or gradual:N, but was"
                            + " \"" + freezer + "\""
                            + (e instanceof NumberFormatException ? "" : ": " + e.getMessage()),
                    e);
        }
    }
}
