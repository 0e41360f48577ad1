package org.facerecognition.augment;

import java.util.random.RandomGenerator;

/**
 * A closed interval that a parameter is drawn from uniformly.
 *
 * @param min the lower end, finite
 * @param max the upper end, finite, not below {@code min}; equal to it, the parameter is fixed
 */
public record Range(double min, double max) {

    /** @throws IllegalArgumentException unless {@code min <= max}, both finite */
    public Range {
        if (!Double.isFinite(min) || !Double.isFinite(max) || min > max) {
            throw new IllegalArgumentException("range must have finite min <= max, but was (" + min + ", " + max + ")");
        }
    }

    /** A uniform draw; uses one {@code nextDouble}, for a fixed value too. */
    double draw(RandomGenerator random) {
        return min + (max - min) * random.nextDouble();
    }

    /** A draw that is uniform in the logarithm: a half is as likely as twice. For positive ranges. */
    double drawLogarithmic(RandomGenerator random) {
        return Math.exp(new Range(Math.log(min), Math.log(max)).draw(random));
    }

    boolean within(double low, double high) {
        return low <= min && max <= high;
    }

    @Override
    public String toString() {
        return "(" + min + ", " + max + ")";
    }
}
