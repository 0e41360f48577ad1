package org.facerecognition.eval;

import org.apache.commons.statistics.distribution.BetaDistribution;
import org.apache.commons.statistics.distribution.NormalDistribution;
import org.apache.commons.statistics.distribution.TDistribution;

/** The exact one-sided confidence bounds of a binomial rate (Clopper and Pearson, Biometrika 26, 1934). */
final class BinomialBound {
    private static final double STUDENT_CONFIDENCE = 0.95; // one-sided

    private BinomialBound() {}

    /**
     * Returns the bound that the true rate does not exceed, at the given confidence.
     *
     * @param rate observed share of errors among the trials, in [0, 1]
     * @param trials number of independent trials, above 0; need not be an integer
     * @param confidence in (0, 1)
     * @return in [rate, 1]; 1 - (1 - confidence)^(1 / trials) when there were no errors
     */
    static double upper(double rate, double trials, double confidence) {
        double errors = rate * trials;
        if (errors >= trials) {
            return 1;
        }
        return BetaDistribution.of(errors + 1, trials - errors).inverseCumulativeProbability(confidence);
    }

    /**
     * Returns the bound that the true rate is at or above, at the given confidence: the mirror of {@link #upper}.
     *
     * @param rate observed share, in [0, 1]
     * @param trials number of independent trials, above 0; need not be an integer
     * @param confidence in (0, 1)
     * @return in [0, rate]; (1 - confidence)^(1 / trials) when the rate is 1
     */
    static double lower(double rate, double trials, double confidence) {
        return 1 - upper(1 - rate, trials, confidence);
    }

    /**
     * Returns the factor that discounts an effective number of trials whose variance is itself an estimate: the squared
     * ratio of the normal quantile to Student's.
     *
     * @param degreesOfFreedom of the variance estimate, above 0; need not be an integer
     * @return below 1; approaches 1 as the degrees of freedom grow
     */
    static double studentFactor(double degreesOfFreedom) {
        double normal = NormalDistribution.of(0, 1).inverseCumulativeProbability(STUDENT_CONFIDENCE);
        double student = TDistribution.of(degreesOfFreedom).inverseCumulativeProbability(STUDENT_CONFIDENCE);
        return normal * normal / (student * student);
    }
}
