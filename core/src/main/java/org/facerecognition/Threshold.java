package org.facerecognition;

import java.util.OptionalDouble;

/**
 * The cosine from which on two faces count as one person's.
 *
 * @param cosine in [-1, 1], or a little above for "never"
 * @param falseAcceptRate how many of the pairs of different people reach it, in [0, 1]; empty where nobody measured it
 */
public record Threshold(double cosine, OptionalDouble falseAcceptRate) {
    /** @throws IllegalArgumentException when the cosine is none */
    public Threshold {
        if (!(cosine >= -1 && cosine <= 2)) {
            throw new IllegalArgumentException("threshold must be a cosine, from -1 to 1, but was " + cosine);
        }
    }

    /** One of your own. */
    public static Threshold of(double cosine) {
        return new Threshold(cosine, OptionalDouble.empty());
    }

    /** What follows for two faces as alike as this. */
    public Verdict judge(double cosineOfFaces) {
        return new Verdict(cosineOfFaces >= cosine, cosineOfFaces, cosine, falseAcceptRate);
    }
}
