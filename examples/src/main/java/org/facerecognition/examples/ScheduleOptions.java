package org.facerecognition.examples;

import static java.util.stream.Collectors.joining;

import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import org.facerecognition.examples.HelpSection.Heading;
import org.facerecognition.train.LearningRate;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Options of the learning rate schedule, which counts epochs. */
@HelpSection(Heading.OPTIMIZATION)
final class ScheduleOptions {
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

    private static final int EPOCHS_TO_FIRST_RESTART = 3; // as in the study

    /** The schedulers that use an option. */
    private static final Map<String, Set<Scheduler>> USERS = new LinkedHashMap<>();

    static {
        USERS.put("--t0", EnumSet.of(Scheduler.COSINE_WARM_RESTARTS, Scheduler.COSINE, Scheduler.POLYNOMIAL));
        USERS.put("--t-mult", EnumSet.of(Scheduler.COSINE_WARM_RESTARTS));
        USERS.put("--eta-min", EnumSet.of(Scheduler.COSINE_WARM_RESTARTS, Scheduler.COSINE));
        USERS.put("--milestones", EnumSet.of(Scheduler.MULTI_STEP));
        USERS.put("--step-size", EnumSet.of(Scheduler.STEP));
        USERS.put("--gamma", EnumSet.of(Scheduler.STEP, Scheduler.MULTI_STEP));
        USERS.put("--power", EnumSet.of(Scheduler.POLYNOMIAL));
    }

    @Option(
            names = "--scheduler",
            paramLabel = "NAME",
            defaultValue = "none",
            description = "none, cosine-warm-restarts, cosine, step, multi-step or polynomial. It counts epochs,"
                    + " starting after the warm-up.")
    private Scheduler scheduler;

    @Option(
            names = "--t0",
            paramLabel = "EPOCHS",
            description = "cosine-warm-restarts: epochs before the first restart; default: 3. cosine and polynomial:"
                    + " epochs until the lowest learning rate; default: all after the warm-up.")
    private @Nullable Integer t0;

    @Option(
            names = "--t-mult",
            paramLabel = "FACTOR",
            defaultValue = "1",
            description = "cosine-warm-restarts: each period is this many times as long as the one before.")
    private int tMult;

    @Option(
            names = "--eta-min",
            paramLabel = "RATE",
            defaultValue = "3e-5",
            description = "cosine and cosine-warm-restarts: lowest learning rate.")
    private double etaMin;

    @Option(
            names = "--milestones",
            paramLabel = "EPOCH",
            split = ",",
            defaultValue = "20,35",
            description = "multi-step: epochs after which the learning rate is multiplied by --gamma.")
    private List<Integer> milestones;

    @Option(
            names = "--step-size",
            paramLabel = "EPOCHS",
            defaultValue = "10",
            description = "step: number of epochs between two multiplications by --gamma.")
    private int stepSize;

    @Option(
            names = "--gamma",
            paramLabel = "FACTOR",
            defaultValue = "0.1",
            description = "step and multi-step: factor of the learning rate at each step.")
    private double gamma;

    @Option(names = "--power", paramLabel = "P", defaultValue = "2", description = "polynomial: its exponent.")
    private double power;

    @Option(
            names = "--warmup-epochs",
            paramLabel = "EPOCHS",
            defaultValue = "0",
            description = "Epochs of linear warm-up before the schedule begins.")
    private int warmupEpochs;

    /**
     * Returns the schedule of a training. Sets --t0 to the value that is used, for {@code args.json}: to null when the
     * scheduler does not use it.
     *
     * @param epochs number of epochs of the training, including the warm-up
     * @throws IllegalArgumentException when the warm-up leaves no epoch or --t0 is not positive
     */
    LearningRate over(int epochs) {
        if (warmupEpochs < 0) {
            throw new IllegalArgumentException("--warmup-epochs must be at least 0, but was " + warmupEpochs);
        }
        if (warmupEpochs > 0 && warmupEpochs >= epochs) {
            throw new IllegalArgumentException(
                    "--warmup-epochs must be less than --epochs (" + epochs + "), but was " + warmupEpochs);
        }
        if (t0 != null && t0 < 1) {
            throw new IllegalArgumentException("--t0 must be at least 1, but was " + t0);
        }
        int length = lengthOver(epochs);
        t0 = uses("--t0") ? Integer.valueOf(length) : null;
        LearningRate schedule = switch (scheduler) {
            case NONE -> LearningRate.constant();
            case COSINE_WARM_RESTARTS -> LearningRate.cosineWarmRestarts(length, tMult, etaMin);
            case COSINE -> LearningRate.cosine(length, etaMin);
            case STEP -> LearningRate.step(stepSize, gamma);
            case MULTI_STEP -> LearningRate.multiStep(milestones, gamma);
            case POLYNOMIAL -> LearningRate.polynomial(length, power);
        };
        return warmupEpochs == 0 ? schedule : schedule.withWarmup(warmupEpochs, 1.0 / (warmupEpochs + 1));
    }

    /** Returns the value of --t0, or else its default. */
    private int lengthOver(int epochs) {
        if (t0 != null) {
            return t0;
        }
        return scheduler == Scheduler.COSINE_WARM_RESTARTS
                ? EPOCHS_TO_FIRST_RESTART
                : Math.max(1, epochs - warmupEpochs); // 0 epochs are for TrainerArgs to reject
    }

    private boolean uses(String option) {
        return USERS.getOrDefault(option, Set.of()).contains(scheduler);
    }

    /**
     * Returns a sentence for each setting that has no effect, and one if the learning rate rises or reaches 0 or its
     * lowest value before the end.
     *
     * @param epochs as in {@link #over}
     * @param learningRate the base rate, --lr
     * @param given returns whether an option is on the command line
     */
    List<String> warnings(int epochs, double learningRate, Predicate<String> given) {
        List<String> all = new ArrayList<>();
        if (uses("--eta-min") && etaMin > learningRate) {
            all.add("the learning rate rises from --lr " + learningRate + " to --eta-min " + etaMin
                    + " instead of falling; give a lower --eta-min");
        }
        USERS.forEach((option, users) -> {
            if (!users.contains(scheduler) && given.test(option)) {
                String names = users.stream().map(Scheduler::toString).collect(joining(", "));
                all.add(option + " has no effect with --scheduler " + scheduler + ": it is for " + names);
            }
        });
        int span = epochs - warmupEpochs;
        String because = " has no effect: the schedule runs over " + span + (span == 1 ? " epoch" : " epochs")
                + (warmupEpochs == 0 ? "" : " after the warm-up");
        switch (scheduler) {
            case STEP -> {
                if (stepSize >= span) {
                    all.add("--step-size " + stepSize + because);
                }
            }
            case MULTI_STEP ->
                milestones.stream()
                        .filter(milestone -> milestone >= span)
                        .forEach(milestone -> all.add("milestone " + milestone + because));
            case COSINE_WARM_RESTARTS -> {
                if (given.test("--t-mult") && lengthOver(epochs) >= span) {
                    all.add("--t-mult " + tMult + because + ", and the first restart comes after "
                            + lengthOver(epochs));
                }
            }
            case COSINE -> {
                int lowest = warmupEpochs + lengthOver(epochs) + 1;
                if (lowest < epochs) {
                    all.add("the learning rate is lowest in epoch " + lowest + " of " + epochs
                            + " and rises again after it, because --t0 is " + lengthOver(epochs));
                }
            }
            case POLYNOMIAL -> {
                int firstIdle = warmupEpochs + lengthOver(epochs) + 1;
                if (firstIdle <= epochs) {
                    all.add("the learning rate is 0 from epoch " + firstIdle + " of " + epochs
                            + ": without --t0, polynomial runs to the last epoch");
                }
            }
            default -> {} // none of its settings depends on the number of epochs
        }
        return all;
    }
}
