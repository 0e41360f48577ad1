package org.facerecognition.examples;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.Predicate;
import org.facerecognition.TrainerArgs;
import org.facerecognition.train.Adam;
import org.facerecognition.train.AdamW;
import org.facerecognition.train.FreezeBefore;
import org.facerecognition.train.Freezer;
import org.facerecognition.train.LayerFreezer;
import org.facerecognition.train.OptimizerSettings;
import org.facerecognition.train.Sgd;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Options of optimizer, schedule and freezer. */
final class OptimizationOptions {
    enum Optimizer {
        ADAMW,
        ADAM,
        SGD
    }

    @Option(names = "--optimizer", defaultValue = "adamw", description = "adamw, adam or sgd.")
    private Optimizer optimizer;

    @Option(names = "--lr", defaultValue = "3e-4", description = "Learning rate.")
    private double rate;

    @Option(names = "--weight-decay", defaultValue = "0.01", description = "Decay of the weights.")
    private double weightDecay;

    @Option(names = "--momentum", defaultValue = "0.9", description = "Of sgd.")
    private double momentum;

    @Option(names = "--nesterov", description = "Nesterov's momentum; of sgd.")
    private boolean nesterov;

    @Option(names = "--head-lr-factor", defaultValue = "1", description = "The head's rate is --lr times this.")
    private double headLrMultiplier;

    @Option(names = "--no-decay-norm-bias", description = "No weight decay on batch normalization and biases.")
    private boolean noDecayNormBias;

    @Option(names = "--head-from-means", description = "The head starts from the mean embeddings of the people.")
    private boolean headFromMeans;

    @Option(
            names = "--margin-warmup-epochs",
            defaultValue = "0",
            description = "Epochs over which the margin grows from 0.")
    private int marginWarmupEpochs;

    @Option(names = "--clip", defaultValue = "0", description = "Largest norm of the gradients; 0 for no limit.")
    private double clip;

    @Option(names = "--accumulate", defaultValue = "1", description = "Batches whose gradients make one step.")
    private int accumulation;

    @Mixin
    private ScheduleOptions schedule = new ScheduleOptions();

    @Option(
            names = "--freezer",
            paramLabel = "LIST",
            description = "How many of the encoder's first layers are frozen in each epoch: 7,7,7,6,6,6,5,5,5,2,2,2;"
                    + " or first:N throughout; or before:LAYER, all before that one, throughout; or wholly:N, all for N"
                    + " epochs; or gradual:N, all but the last, one fewer every N epochs.")
    private String freezer;

    @Option(names = "--freezer-parent", defaultValue = "encoder", description = "Whose layers --freezer counts.")
    private String freezerParent;

    @Option(
            names = "--frozen-memory-mib",
            paramLabel = "MIB",
            defaultValue = "0",
            description =
                    "With --freezer before:LAYER, memory for what the layers before it make of each image, so that"
                            + " they work on it once and not in every epoch; 0 for none. Little use where augmentation makes new"
                            + " images all the time; a mirror image is but one more.")
    private int featureCacheMib;

    /** @param epochs of the whole training, over which the schedule runs */
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
            case ADAMW -> new AdamW(rate, weightDecay);
            case ADAM -> new Adam(rate, weightDecay);
            case SGD -> new Sgd(rate, momentum, weightDecay, nesterov);
        };
    }

    /**
     * Settings that cannot have an effect.
     *
     * @param epochs as in {@link #apply}
     * @param given whether an option is on the command line
     */
    List<String> warnings(int epochs, Predicate<String> given) {
        List<String> all = new ArrayList<>(schedule.warnings(epochs, given));
        for (String name : List.of("--momentum", "--nesterov")) {
            if (optimizer != Optimizer.SGD && given.test(name)) {
                all.add(name + " has no effect with --optimizer "
                        + optimizer.name().toLowerCase(Locale.ROOT) + ": only sgd uses it");
            }
        }
        return all;
    }

    private Freezer parseFreezer() {
        try {
            if (freezer.startsWith("first:")) {
                return LayerFreezer.first(freezerParent, Integer.parseInt(freezer.substring("first:".length())));
            }
            if (freezer.startsWith("wholly:")) {
                return LayerFreezer.allFor(freezerParent, Integer.parseInt(freezer.substring("wholly:".length())));
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
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException(
                    "--freezer must be numbers with commas between them, first:N, before:LAYER, wholly:N or gradual:N, but was \""
                            + freezer + "\"",
                    e);
        }
    }
}
