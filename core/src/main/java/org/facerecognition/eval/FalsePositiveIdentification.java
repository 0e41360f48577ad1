package org.facerecognition.eval;

import java.util.Locale;

/**
 * How often a gallery mistakes a stranger for an enrolled person: the false positive identification rate (FPIR of
 * ISO/IEC 19795-1), computed from the false match rate of single comparisons and the size of the gallery.
 *
 * <p><b>These are estimates, under assumptions.</b> A stranger is compared with every entry, and is taken for an
 * enrolled person if the best of them reaches the threshold. {@code rate} treats these comparisons as independent of
 * each other, each with the false match rate f that was measured: 1 - (1 - f)^entries. They are not quite independent.
 * Entries of one person resemble each other, so the rate is rather lower, down to {@code rateIfEntriesAgree}, 1 - (1 -
 * f)^identities, if all entries of a person always agreed. A person who resembles many makes false alarms come
 * together, which also lowers it. {@code upperBound} needs no independence: by the union bound, the rate is at most
 * the number of entries times the upper bound of the false match rate, at 95 % confidence. All of them assume that
 * strangers and enrolled people resemble each other as the people of the calibration do; relatives, or one narrow
 * group of people, do more.
 *
 * @param identities number of people in the gallery
 * @param entries number of their embeddings
 * @param rate expected share of strangers who are taken for an enrolled person, in [0, 1]; 0 if no impostor pair of the
 *     calibration reached the threshold, which shows only that it is below {@code upperBound}
 * @param rateIfEntriesAgree the same if the entries of a person count as one comparison
 * @param upperBound of the rate, at 95 % confidence, in [0, 1]
 */
public record FalsePositiveIdentification(
        long identities, long entries, double rate, double rateIfEntriesAgree, double upperBound) {
    /**
     * Estimates the rate of a gallery.
     *
     * @param identities number of people in the gallery, at most {@code entries}
     * @param entries number of their embeddings
     * @param falseMatchRate share of single comparisons of different people that reach the threshold, in [0, 1]
     * @param upperBound of the false match rate, at 95 % confidence, in [0, 1]
     * @throws IllegalArgumentException if an argument is out of range
     */
    public static FalsePositiveIdentification of(
            long identities, long entries, double falseMatchRate, double upperBound) {
        if (identities < 0 || entries < identities) {
            throw new IllegalArgumentException(
                    "identities must be 0 to entries, but was " + identities + " where entries was " + entries);
        }
        requireRate(falseMatchRate, "falseMatchRate");
        requireRate(upperBound, "upperBound");
        return new FalsePositiveIdentification(
                identities,
                entries,
                anyOf(entries, falseMatchRate),
                anyOf(identities, falseMatchRate),
                Math.min(1, entries * upperBound));
    }

    private static void requireRate(double rate, String name) {
        if (!(rate >= 0 && rate <= 1)) {
            throw new IllegalArgumentException(name + " must be in [0, 1], but was " + rate);
        }
    }

    /** Returns the probability that at least one of n independent events of a probability happens. */
    private static double anyOf(long n, double probability) {
        return n == 0 ? 0 : -Math.expm1(n * Math.log1p(-probability)); // 1 - (1 - p)^n, for small p too
    }

    /** Says it in a sentence, for example: a stranger is taken for an enrolled person about once in 95 probes (...). */
    @Override
    public String toString() {
        if (entries == 0) {
            return "the gallery is empty, so no stranger is taken for an enrolled person";
        }
        String most = upperBound >= 1 ? "the bound allows every probe" : "at most " + onceIn(upperBound);
        if (rate == 0) {
            return "a stranger is taken for an enrolled person " + (upperBound >= 1 ? "at an unknown rate: " : "")
                    + most + " (95 %), since no impostor pair of the calibration reached the threshold";
        }
        return "a stranger is taken for an enrolled person about " + onceIn(rate) + " ("
                + (identities < entries ? onceIn(rateIfEntriesAgree) + " if entries of a person agree; " : "") + most
                + ", 95 %)";
    }

    private static String onceIn(double rate) {
        double probes = 1 / rate;
        return String.format(Locale.ROOT, probes < 10 ? "once in %.1f probes" : "once in %,.0f probes", probes);
    }
}
