package org.facerecognition.train;

import java.util.List;

/**
 * A learning rate schedule: a pure function of time, so it has no state to save. Time is counted in epochs or in
 * optimizer steps; see {@link ScheduleUnit}. Each schedule has the same values as its namesake in {@code
 * torch.optim.lr_scheduler}.
 */
@FunctionalInterface
public interface LearningRate {
    /**
     * Returns the learning rate.
     *
     * @param baseRate that of the optimizer
     * @param step from 0
     */
    double at(double baseRate, long step);

    /**
     * Gives a schedule a name, for example a lambda. A training is resumed only if the name is the same.
     *
     * @param name describes the schedule with all of its settings
     */
    static LearningRate named(String name, LearningRate schedule) {
        return new Schedules.Named(name, schedule);
    }

    /** The base rate throughout. */
    static LearningRate constant() {
        return new Schedules.Constant();
    }

    /**
     * Repeated half cosines from the base rate down to {@code etaMin}: CosineAnnealingWarmRestarts; Loshchilov
     * and Hutter, "SGDR", ICLR 2017, arXiv 1608.03983, equation 5.
     *
     * @param t0 steps to the first restart, at least 1
     * @param tMult factor by which each cycle is longer than the one before, at least 1
     * @param etaMin lowest rate, at least 0
     */
    static LearningRate cosineWarmRestarts(int t0, int tMult, double etaMin) {
        return new Schedules.CosineWarmRestarts(t0, tMult, etaMin);
    }

    /**
     * A half cosine from the base rate down to {@code etaMin}, and up again past {@code tMax}: CosineAnnealingLR.
     *
     * @param tMax steps down, at least 1
     * @param etaMin lowest rate, at least 0
     */
    static LearningRate cosine(int tMax, double etaMin) {
        return new Schedules.Cosine(tMax, etaMin);
    }

    /**
     * The base rate, multiplied by {@code gamma} every {@code stepSize} steps: StepLR.
     *
     * @param stepSize at least 1
     * @param gamma positive
     */
    static LearningRate step(int stepSize, double gamma) {
        return new Schedules.Step(stepSize, gamma);
    }

    /**
     * The base rate, multiplied by {@code gamma} at each milestone: MultiStepLR.
     *
     * @param milestones steps, at least 0, increasing
     * @param gamma positive
     */
    static LearningRate multiStep(List<Integer> milestones, double gamma) {
        return new Schedules.MultiStep(milestones, gamma);
    }

    /**
     * The base rate times (1 - step / total)^power, then 0: PolynomialLR.
     *
     * @param totalSteps at least 1
     * @param power positive
     */
    static LearningRate polynomial(int totalSteps, double power) {
        return new Schedules.Polynomial(totalSteps, power);
    }

    /**
     * Puts a linear warm-up before this schedule, which starts when the warm-up ends: LinearLR and this in a
     * SequentialLR.
     *
     * @param steps of the warm-up, at least 1
     * @param startFactor fraction of the base rate at the first step, in (0, 1]
     */
    default LearningRate withWarmup(int steps, double startFactor) {
        return new Schedules.Warmup(steps, startFactor, this);
    }
}
