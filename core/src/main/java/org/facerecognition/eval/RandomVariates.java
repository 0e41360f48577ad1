package org.facerecognition.eval;

import java.util.SplittableRandom;

/** A seeded source of gamma, beta and binomial variates, which the JDK does not provide. */
final class RandomVariates {
    private static final int COUNT_DIRECTLY = 16; // up to this many trials, simulating each one is cheaper

    private final SplittableRandom random;

    RandomVariates(long seed) {
        this.random = new SplittableRandom(seed);
    }

    /** Returns a uniform integer in [0, bound). */
    int below(int bound) {
        return random.nextInt(bound);
    }

    /**
     * Returns a gamma variate of scale 1 (Marsaglia and Tsang, "A simple method for generating gamma variables", 2000).
     *
     * @param shape at least 1
     */
    double gamma(double shape) {
        double d = shape - 1.0 / 3;
        double c = 1 / Math.sqrt(9 * d);
        while (true) {
            double x = random.nextGaussian();
            double root = 1 + c * x;
            double v = root * root * root;
            if (v > 0 && Math.log(1 - random.nextDouble()) < x * x / 2 + d - d * v + d * Math.log(v)) {
                return d * v;
            }
        }
    }

    /**
     * Returns a beta variate, which has the distribution of the a-th smallest of a + b - 1 uniform numbers.
     *
     * @param a at least 1
     * @param b at least 1
     */
    double beta(double a, double b) {
        double x = gamma(a);
        return x / (x + gamma(b));
    }

    /**
     * Returns a binomial variate: the number of n uniform numbers that are at most p. The median of the uniform numbers
     * is drawn first. It decides the count on one of its sides and leaves only the other side open, so that the work
     * grows with log n. The result is exact (Devroye, "Non-Uniform Random Variate Generation", 1986, X.4.3).
     */
    int binomial(int n, double p) {
        int counted = 0;
        int open = n;
        double chance = p;
        while (open > COUNT_DIRECTLY) {
            int middle = open / 2 + 1;
            double median = beta(middle, open + 1.0 - middle);
            if (median <= chance) {
                counted += middle;
                open -= middle;
                chance = (chance - median) / (1 - median);
            } else {
                open = middle - 1;
                chance = chance / median;
            }
        }
        for (int i = 0; i < open; i++) {
            counted += random.nextDouble() < chance ? 1 : 0;
        }
        return counted;
    }

    /**
     * Returns a rate whose quantiles are the lower confidence bounds of Clopper and Pearson.
     *
     * @param accepted number of accepted trials, from 0 to {@code trials}
     * @param trials at least 1
     */
    double lowerRate(int accepted, int trials) {
        return accepted == 0 ? 0 : beta(accepted, trials - accepted + 1.0);
    }

    /** Returns a rate whose quantiles are the upper confidence bounds; see {@link #lowerRate}. */
    double upperRate(int accepted, int trials) {
        return accepted == trials ? 1 : beta(accepted + 1.0, (double) trials - accepted);
    }
}
