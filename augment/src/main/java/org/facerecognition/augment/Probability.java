package org.facerecognition.augment;

/** The check of the parameter {@code p}, the probability that a transform is applied. */
final class Probability {

    private Probability() {}

    static void require(double p) {
        if (!(p >= 0 && p <= 1)) {
            throw new IllegalArgumentException("p must be in [0, 1], but was " + p);
        }
    }
}
