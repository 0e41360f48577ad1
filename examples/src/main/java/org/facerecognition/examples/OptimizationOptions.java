package org.facerecognition.examples;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.facerecognition.TrainerArgs;
import org.facerecognition.train.Adam;
import org.facerecognition.train.AdamW;
import org.facerecognition.train.FreezeBefore;
import org.facerecognition.train.Freezer;
import org.facerecognition.train.LayerFreezer;
import org.facerecognition.train.LearningRate;
import org.facerecognition.train.OptimizerSettings;
import org.facerecognition.train.Sgd;
import picocli.CommandLine.Option;

/** Options of optimiser, schedule and freezer. */
final class OptimizationOptions {
    enum Optimizer {
        ADAMW,
        ADAM,
        SGD
    }

    enum Scheduler {
        NONE,
        COSINE_WARM_RESTARTS,
        COSINE,
        STEP,
        MULTI_STEP,
        POLYNOMIAL;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT).replace('_', '-');
        }
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
    private double headRateFactor;

    @Option(names = "--no-decay-norm-bias", description = "No weight decay on batch normalisation and biases.")
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

    @Option(
            names = "--scheduler",
            defaultValue = "none",
            description = "none, cosine-warm-restarts, cosine, step, multi-step or polynomial; counts epochs.")
    private Scheduler scheduler;

    @Option(names = "--t0", defaultValue = "3", description = "Epochs to the first restart; to the end, for cosine.")
    private int t0;

    @Option(names = "--t-mult", defaultValue = "1", description = "Each stretch is so many times as long as the last.")
    private int tMult;

    @Option(names = "--eta-min", defaultValue = "3e-5", description = "Lowest rate of the cosines.")
    private double etaMin;

    @Option(names = "--milestones", split = ",", defaultValue = "20,35", description = "Epochs; multi-step.")
    private List<Integer> milestones;

    @Option(names = "--step-size", defaultValue = "10", description = "Epochs; step.")
    private int stepSize;

    @Option(names = "--gamma", defaultValue = "0.1", description = "Factor at each step; step, multi-step.")
    private double gamma;

    @Option(names = "--power", defaultValue = "2", description = "Of polynomial, over --t0 epochs.")
    private double power;

    @Option(names = "--warmup-epochs", defaultValue = "0", description = "Linear warm-up in front.")
    private int warmupEpochs;

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
                    "With --freezer before:LAYER, memory for what the layers before it make of each picture, so that"
                            + " they work on it once and not in every epoch; 0 for none. Little use where augmentation makes new"
                            + " pictures all the time; a mirror image is but one more.")
    private int frozenMemoryMib;

    TrainerArgs.Builder apply(TrainerArgs.Builder args) {
        if (freezer != null) {
            args.freezer(parseFreezer());
        }
        return args.optimizer(settings())
                .learningRate(schedule())
                .frozenMemoryMib(frozenMemoryMib)
                .headRateFactor(headRateFactor)
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

    private LearningRate schedule() {
        LearningRate schedule = switch (scheduler) {
            case NONE -> LearningRate.constant();
            case COSINE_WARM_RESTARTS -> LearningRate.cosineWarmRestarts(t0, tMult, etaMin);
            case COSINE -> LearningRate.cosine(t0, etaMin);
            case STEP -> LearningRate.step(stepSize, gamma);
            case MULTI_STEP -> LearningRate.multiStep(milestones, gamma);
            case POLYNOMIAL -> LearningRate.polynomial(t0, power);
        };
        return warmupEpochs == 0 ? schedule : schedule.withWarmup(warmupEpochs, 1.0 / (warmupEpochs + 1));
    }

    private Freezer parseFreezer() {
        try {
            if (freezer.startsWith("first:")) {
                return LayerFreezer.first(freezerParent, Integer.parseInt(freezer.substring("first:".length())));
            }
            if (freezer.startsWith("wholly:")) {
                return LayerFreezer.wholly(freezerParent, Integer.parseInt(freezer.substring("wholly:".length())));
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
