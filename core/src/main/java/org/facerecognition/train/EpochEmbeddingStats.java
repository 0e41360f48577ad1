package org.facerecognition.train;

import java.util.Arrays;

/**
 * How an epoch's embeddings lay, counted in bins. What a healthy training shows: angles to one's own center fall, those to the
 * nearest other stay near 90 degrees and the two part. Where they still overlap are the identities, or the labels, that the
 * net cannot tell apart.
 *
 * @param epoch which, from 1
 * @param toOwn samples by the angle to their own center, in bins of {@link #DEGREES_PER_BIN}
 * @param toNearestOther samples by the angle to the nearest center of another identity, in the same bins
 * @param norms samples by the norm of their embedding, in bins of {@link #NORMS_PER_DOUBLING} per doubling from {@link
 *     #SMALLEST_NORM} on; what is smaller or larger is in the first or last
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

    private static void count(long[] bins, double place) {
        bins[(int) Math.max(0, Math.min(bins.length - 1, Math.floor(place)))]++;
    }

    /** Whether the head had centers to measure angles to. */
    public boolean hasAngles() {
        return Arrays.stream(toOwn).anyMatch(count -> count > 0);
    }

    /** The norm at which a bin of {@link #norms} begins. */
    public static double normAt(int bin) {
        return SMALLEST_NORM * Math.pow(2, (double) bin / NORMS_PER_DOUBLING);
    }

    /**
     * The middle of what was counted, to the width of a bin: the angle of {@link #toOwn} or {@link #toNearestOther} that half
     * of the samples stay below.
     *
     * @return in degrees; NaN where nothing was counted
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
