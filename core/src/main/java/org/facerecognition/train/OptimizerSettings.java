package org.facerecognition.train;

import java.util.List;

/** Which optimizer, and how it is set: an immutable value to choose one by. */
public sealed interface OptimizerSettings permits Adam, AdamW, Sgd {
    /** The base learning rate, that schedules start from. */
    double rate();

    /** Weight decay of parameter groups that decay. */
    double weightDecay();

    /** Makes the optimizer for parameters; the caller closes it. */
    default ParameterOptimizer over(List<ParameterGroup> groups) {
        return new ParameterOptimizer(groups, rule());
    }

    /** How parameters are updated. */
    UpdateRule rule();

    /** Refuses what makes no sense. */
    static void check(double rate, double weightDecay) {
        if (!(rate > 0) || Double.isInfinite(rate)) {
            throw new IllegalArgumentException("rate must be positive and finite, but was " + rate);
        }
        if (!(weightDecay >= 0) || Double.isInfinite(weightDecay)) {
            throw new IllegalArgumentException("weightDecay must be at least 0, but was " + weightDecay);
        }
    }

    /** Refuses what is not in [0, 1). */
    static void checkShare(String name, double value) {
        if (!(value >= 0 && value < 1)) {
            throw new IllegalArgumentException(name + " must be in [0, 1), but was " + value);
        }
    }
}
