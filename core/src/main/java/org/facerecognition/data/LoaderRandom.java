package org.facerecognition.data;

import java.util.SplittableRandom;
import java.util.random.RandomGenerator;

/** The random streams of a batch loader: pure functions of their numbers, so that threads do not influence them. */
final class LoaderRandom {
    private static final long ORDER = -1; // no sample has this number

    private LoaderRandom() {}

    /** Returns the stream that determines the order of an epoch. */
    static RandomGenerator forOrder(long seed, long epoch) {
        return stream(seed, epoch, ORDER);
    }

    /**
     * Returns the stream that determines the augmentation of a sample in an epoch.
     *
     * @param occurrence how often the epoch has used the sample before
     */
    static RandomGenerator forSample(long seed, long epoch, long sample, int occurrence) {
        SplittableRandom first = stream(seed, epoch, sample);
        return occurrence == 0 ? first : new SplittableRandom(first.nextLong() ^ occurrence);
    }

    /** Returns independent streams even for neighboring numbers: each step of the chain mixes all 64 bits. */
    private static SplittableRandom stream(long seed, long epoch, long index) {
        long mixed = new SplittableRandom(seed).nextLong();
        mixed = new SplittableRandom(mixed ^ epoch).nextLong();
        return new SplittableRandom(mixed ^ index);
    }
}
