package org.facerecognition.train;

import java.util.List;

/** An optimizer and its hyperparameters; immutable. */
public sealed interface OptimizerSettings permits Adam, AdamW, Sgd {
    /** The base learning rate, which schedules multiply. */
    double learningRate();

    /** The weight decay of parameter groups that have one. */
    double weightDecay();

    /** Makes the optimizer of these parameters; owned. */
    default ParameterOptimizer over(List<ParameterGroup> groups) {
        return new ParameterOptimizer(groups, UpdateRule.of(this));
    }

    /** @throws IllegalArgumentException when a value is out of its range */
    static void check(double learningRate, double weightDecay) {
        Bounds.positive("learningRate", learningRate);
        Bounds.notNegative("weightDecay", weightDecay);
    }

    /** @throws IllegalArgumentException when the value is not in [0, 1) */
    static void checkShare(String name, double value) {
        if (!(value >= 0 && value < 1)) {
            throw new IllegalArgumentException(name + " must be in [0, 1), but was " + value);
        }
    }
}
