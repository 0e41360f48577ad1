package org.facerecognition.train;

import org.jspecify.annotations.Nullable;

/** Range checks of settings. */
final class Bounds {
    private Bounds() {}

    static void given(String name, @Nullable Object value) {
        if (value == null) {
            throw new IllegalArgumentException(name + " must be given, but was null");
        }
    }

    static void positive(String name, double value) {
        if (!(value > 0) || Double.isInfinite(value)) {
            throw new IllegalArgumentException(name + " must be positive and finite, but was " + value);
        }
    }

    static void notNegative(String name, double value) {
        if (!(value >= 0) || Double.isInfinite(value)) {
            throw new IllegalArgumentException(name + " must be at least 0 and finite, but was " + value);
        }
    }

    static void atMost(long max, String name, long value) {
        if (value > max) {
            throw new IllegalArgumentException(name + " must be at most " + max + ", but was " + value);
        }
    }

    static void atLeast(long min, String name, long value) {
        if (value < min) {
            throw new IllegalArgumentException(name + " must be at least " + min + ", but was " + value);
        }
    }
}
