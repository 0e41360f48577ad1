package org.facerecognition.train;

/** Range checks of settings. */
final class Bounds {
    private Bounds() {}

    static void atLeast(long min, String name, long value) {
        if (value < min) {
            throw new IllegalArgumentException(name + " must be at least " + min + ", but was " + value);
        }
    }
}
