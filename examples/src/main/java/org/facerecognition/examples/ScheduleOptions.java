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
import org.facerecognition.train.LearningRate;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Options of the learning rate's schedule, which counts epochs. */
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

    private static final int EPOCHS_TO_FIRST_RESTART = 3; // the study's

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
            defaultValue = "none",
            description = "none, cosine-warm-restarts, cosine, step, multi-step or polynomial; counts epochs, from the"
                    + " end of the warm-up.")
    private Scheduler scheduler;

    @Option(
            names = "--t0",
            paramLabel = "EPOCHS",
            description = "Of cosine-warm-restarts: epochs to the first restart; default: 3. Of cosine and polynomial:"
                    + " epochs to the lowest rate; default: all after the warm-up.")
    private @Nullable Integer t0;

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

    @Option(names = "--power", defaultValue = "2", description = "Of polynomial.")
    private double power;

    @Option(names = "--warmup-epochs", defaultValue = "0", description = "Linear warm-up in front.")
    private int warmupEpochs;

    /**
     * The schedule of a training. Sets --t0 to what is used, for args.json: to null when the scheduler has none.
     *
     * @param epochs of the training, its warm-up among them
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

    /** What --t0 is, or stands for. */
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
     * Settings that cannot have an effect, and a rate of 0 before the end.
     *
     * @param epochs as in {@link #over}
     * @param given whether an option is on the command line
     */
    List<String> warnings(int epochs, Predicate<String> given) {
        List<String> all = new ArrayList<>();
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
            case POLYNOMIAL -> {
                int firstIdle = warmupEpochs + lengthOver(epochs) + 1;
                if (firstIdle <= epochs) {
                    all.add("the rate is 0 from epoch " + firstIdle + " of " + epochs
                            + ": without --t0, polynomial runs to the last epoch");
                }
            }
            default -> {} // nothing that the number of epochs could leave without effect
        }
        return all;
    }
}
