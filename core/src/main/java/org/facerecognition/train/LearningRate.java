package org.facerecognition.train;

import java.util.List;

/**
 * A learning rate over time: a pure function, with nothing to save. Time is counted in steps of the schedule: epochs or
 * optimizer steps, as the trainer is told. Each schedule gives the numbers of its namesake in {@code
 * torch.optim.lr_scheduler}.
 */
@FunctionalInterface
public interface LearningRate {
    /**
     * The rate.
     *
     * @param baseRate the optimizer's
     * @param step from 0
     */
    double at(double baseRate, long step);

    /**
     * A schedule with a name, such as a lambda's: trainings with checkpoints tell by the name whether they are the
     * same.
     *
     * @param name what the rate follows from, with all settings
     */
    static LearningRate named(String name, LearningRate schedule) {
        return new Schedules.Named(name, schedule);
    }

    /** Always the base rate. */
    static LearningRate constant() {
        return new Schedules.Constant();
    }

    /**
     * Half cosines from the base rate down to {@code etaMin}, over and over: CosineAnnealingWarmRestarts; Loshchilov and
     * Hutter, "SGDR", ICLR 2017, arXiv 1608.03983, equation 5.
     *
     * @param t0 steps to the first restart, at least 1
     * @param tMult each stretch is so many times as long as the one before, at least 1
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
     * Times {@code gamma} every {@code stepSize} steps: StepLR.
     *
     * @param stepSize at least 1
     * @param gamma positive
     */
    static LearningRate step(int stepSize, double gamma) {
        return new Schedules.Step(stepSize, gamma);
    }

    /**
     * Times {@code gamma} at each milestone: MultiStepLR.
     *
     * @param milestones steps, rising
     * @param gamma positive
     */
    static LearningRate multiStep(List<Integer> milestones, double gamma) {
        return new Schedules.MultiStep(milestones, gamma);
    }

    /**
     * (1 - step / total)^power of the base rate, then 0: PolynomialLR.
     *
     * @param totalSteps at least 1
     * @param power positive
     */
    static LearningRate polynomial(int totalSteps, double power) {
        return new Schedules.Polynomial(totalSteps, power);
    }

    /**
     * This schedule with a linear warm-up in front, and itself begun when that ends: LinearLR then this, in a
     * SequentialLR.
     *
     * @param steps of warming up, at least 1
     * @param startFactor the first step's share of the base rate, in (0, 1]
     */
    default LearningRate withWarmup(int steps, double startFactor) {
        return new Schedules.Warmup(steps, startFactor, this);
    }
}
