package org.facerecognition.augment;

/** The check that every transform with a {@code p} makes. */
final class Probability {

    private Probability() {}

    static void require(double p) {
        if (!(p >= 0 && p <= 1)) {
            throw new IllegalArgumentException("p must be in [0, 1], but was " + p);
        }
    }
}
