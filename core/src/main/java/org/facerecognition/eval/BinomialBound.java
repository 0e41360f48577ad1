package org.facerecognition.eval;

import org.apache.commons.statistics.distribution.BetaDistribution;
import org.apache.commons.statistics.distribution.NormalDistribution;
import org.apache.commons.statistics.distribution.TDistribution;

/** The exact one-sided binomial bound of a rate: Clopper and Pearson, Biometrika 26 (1934). */
final class BinomialBound {
    private static final double ONE_SIDED = 0.95;

    private BinomialBound() {}

    /**
     * The rate that is not exceeded, at this confidence.
     *
     * @param rate share of the trials that were errors, in [0, 1]
     * @param trials independent ones, above 0; need not be a whole number
     * @param confidence in (0, 1)
     * @return in [rate, 1]; 1 - (1 - confidence)^(1 / trials) when there was no error
     */
    static double upper(double rate, double trials, double confidence) {
        double errors = rate * trials;
        if (errors >= trials) {
            return 1;
        }
        return BetaDistribution.of(errors + 1, trials - errors).inverseCumulativeProbability(confidence);
    }

    /** By how much fewer trials a variance is worth that was estimated with so many degrees of freedom; below 1. */
    static double studentFactor(int degreesOfFreedom) {
        double normal = NormalDistribution.of(0, 1).inverseCumulativeProbability(ONE_SIDED);
        double student = TDistribution.of(degreesOfFreedom).inverseCumulativeProbability(ONE_SIDED);
        return normal * normal / (student * student);
    }
}
