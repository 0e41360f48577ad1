package org.facerecognition.train;

import java.util.Arrays;

/**
 * Histograms of an epoch's embeddings. In a healthy training the angles to the own center decrease, those to the
 * nearest other center stay near 90 degrees, and the two separate. Where they still overlap are the identities, or the
 * labels, that the network cannot tell apart.
 *
 * @param epoch number of the epoch, from 1
 * @param toOwn samples by the angle to their own center, in bins of {@link #DEGREES_PER_BIN}
 * @param toNearestOther samples by the angle to the nearest center of another identity, in the same bins
 * @param norms samples by the norm of their embedding, in bins of {@link #NORMS_PER_DOUBLING} per doubling, starting at
 *     {@link #SMALLEST_NORM}; smaller and larger norms are in the first and last bin
 */
public record EpochEmbeddingStats(int epoch, long[] toOwn, long[] toNearestOther, long[] norms) {
    public static final double DEGREES_PER_BIN = 3;
    public static final double SMALLEST_NORM = 1.0 / 16;
    public static final int NORMS_PER_DOUBLING = 4;

    private static final int ANGLE_BINS = 60;
    private static final int NORM_BINS = 64; // to 4096

    static EpochEmbeddingStats empty(int epoch) {
        return new EpochEmbeddingStats(epoch, new long[ANGLE_BINS], new long[ANGLE_BINS], new long[NORM_BINS]);
    }

    void add(BatchEmbeddingStats batch) {
        for (double degrees : batch.toOwnDegrees()) {
            count(toOwn, degrees / DEGREES_PER_BIN);
        }
        for (double degrees : batch.toNearestOtherDegrees()) {
            count(toNearestOther, degrees / DEGREES_PER_BIN);
        }
        for (double norm : batch.norms()) {
            count(norms, NORMS_PER_DOUBLING * Math.log(norm / SMALLEST_NORM) / Math.log(2));
        }
    }

    boolean isEmpty() {
        return Arrays.stream(norms).allMatch(count -> count == 0);
    }

    private static void count(long[] bins, double place) {
        bins[(int) Math.max(0, Math.min(bins.length - 1, Math.floor(place)))]++;
    }

    /** Whether angles were measured: the head has centers. */
    public boolean hasAngles() {
        return Arrays.stream(toOwn).anyMatch(count -> count > 0);
    }

    /** Returns the lower edge of a bin of {@link #norms}. */
    public static double normAt(int bin) {
        return SMALLEST_NORM * Math.pow(2, (double) bin / NORMS_PER_DOUBLING);
    }

    /**
     * Returns the median of {@link #toOwn} or {@link #toNearestOther}, interpolated within its bin.
     *
     * @return in degrees; NaN for an empty histogram
     */
    public static double medianDegrees(long[] angles) {
        long all = Arrays.stream(angles).sum();
        long below = 0;
        for (int bin = 0; bin < angles.length; bin++) {
            if (2 * (below + angles[bin]) >= all && all > 0) {
                return DEGREES_PER_BIN * (bin + (all / 2.0 - below) / angles[bin]);
            }
            below += angles[bin];
        }
        return Double.NaN;
    }
}
