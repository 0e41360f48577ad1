package org.facerecognition.augment;

import java.util.random.RandomGenerator;

/**
 * A closed interval from which a parameter is drawn uniformly.
 *
 * @param min the lower end, finite
 * @param max the upper end, finite, at least {@code min}; if they are equal, the parameter is fixed
 */
public record Range(double min, double max) {

    /**
     * Creates a range.
     *
     * @throws IllegalArgumentException unless both ends are finite and {@code min <= max}
     */
    public Range {
        if (!Double.isFinite(min) || !Double.isFinite(max) || min > max) {
            throw new IllegalArgumentException("range must have finite min <= max, but was (" + min + ", " + max + ")");
        }
    }

    /** Draws uniformly, with one call of {@code nextDouble}, even if the value is fixed. */
    double draw(RandomGenerator random) {
        return min + (max - min) * random.nextDouble();
    }

    /** Draws log-uniformly: a factor of a half is as likely as a factor of two. For positive ranges. */
    double drawLogUniform(RandomGenerator random) {
        return Math.exp(new Range(Math.log(min), Math.log(max)).draw(random));
    }

    /** Returns whether the range lies in a closed interval. */
    boolean within(double low, double high) {
        return low <= min && max <= high;
    }

    @Override
    public String toString() {
        return "(" + min + ", " + max + ")";
    }
}
