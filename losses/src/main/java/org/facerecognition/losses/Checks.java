package org.facerecognition.losses;

/** Checks of settings. Each throws an IllegalArgumentException that names the setting, its rule and its value. */
final class Checks {
    private Checks() {}

    static void positive(String name, double value) {
        if (!(value > 0) || Double.isInfinite(value)) {
            throw new IllegalArgumentException(name + " must be positive and finite, but was " + value);
        }
    }

    static void isFor(int classes, Margin margin) {
        if (margin.classes() != 0 && margin.classes() != classes) {
            throw new IllegalArgumentException(
                    "margin must be for the " + classes + " classes of the head, but was " + margin);
        }
    }

    static void radians(String name, double value) {
        if (!(value >= 0 && value < Math.PI)) {
            throw new IllegalArgumentException(name + " must be in [0, pi) radians, but was " + value
                    + (value >= Math.PI && value < 180
                            ? " (in degrees? then pass Math.toRadians(" + value + "))"
                            : ""));
        }
    }

    static void within(String name, double value, double low, double high) {
        if (!(value >= low && value <= high)) {
            throw new IllegalArgumentException(
                    name + " must be in [" + number(low) + ", " + number(high) + "], but was " + value);
        }
    }

    private static String number(double value) {
        return value == Math.rint(value) ? Long.toString(Math.round(value)) : Double.toString(value);
    }

    static void atLeast(String name, double value, double low) {
        if (!(value >= low) || Double.isInfinite(value)) {
            throw new IllegalArgumentException(
                    name + " must be at least " + number(low) + " and finite, but was " + value);
        }
    }
}
