package org.facerecognition.eval;

import java.util.SplittableRandom;

/** Random numbers of distributions that Java does not have. */
final class Draws {
    private static final int COUNTED = 16; // below it trials are cheaper one by one

    private final SplittableRandom random;

    Draws(long seed) {
        this.random = new SplittableRandom(seed);
    }

    int below(int bound) {
        return random.nextInt(bound);
    }

    /** Marsaglia and Tsang, "A simple method for generating gamma variables", 2000. For shapes of at least 1. */
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

    /** For {@code a} and {@code b} of at least 1: the a-th smallest of a + b - 1 uniform numbers. */
    double beta(double a, double b) {
        double x = gamma(a);
        return x / (x + gamma(b));
    }

    /**
     * How many of n uniform numbers are at most p. The middle one of them is drawn first; it tells on which side of it the
     * question is still open, so that the work grows with log n. Exact (Devroye, "Non-Uniform Random Variate Generation",
     * 1986, X.4.3).
     */
    int binomial(int n, double p) {
        int counted = 0;
        int open = n;
        double chance = p;
        while (open > COUNTED) {
            int middle = open / 2 + 1;
            double at = beta(middle, open + 1.0 - middle);
            if (at <= chance) {
                counted += middle;
                open -= middle;
                chance = (chance - at) / (1 - at);
            } else {
                open = middle - 1;
                chance = chance / at;
            }
        }
        for (int i = 0; i < open; i++) {
            counted += random.nextDouble() < chance ? 1 : 0;
        }
        return counted;
    }
}
