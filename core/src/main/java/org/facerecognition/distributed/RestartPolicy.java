package org.facerecognition.distributed;

import java.time.Duration;

/**
 * How often, how soon and with how many ranks a group that has lost a rank is started again.
 *
 * <p>The number of restarts is that of the whole run, as torchrun's {@code --max-restarts}. Pauses and numbers of ranks
 * follow the failures in a row: those since the last new checkpoint. The pause doubles with each, up to 30 seconds.
 * From the second failure in a row on, each group has one rank less, for a machine that has no longer room for all of
 * them; after a new checkpoint it has all of them again.
 *
 * @param maxRestarts 0 for none
 * @param minRanks smallest number of ranks of a group; a group that was started with fewer keeps its number
 * @param firstPause before a restart; 1 second by default
 */
public record RestartPolicy(int maxRestarts, int minRanks, Duration firstPause) {
    private static final Duration MAX_PAUSE = Duration.ofSeconds(30);
    private static final int MAX_DOUBLINGS = 20; // keeps the number small

    /** @throws IllegalArgumentException when there are fewer than 0 restarts or 1 rank */
    public RestartPolicy {
        if (maxRestarts < 0) {
            throw new IllegalArgumentException("maxRestarts must be at least 0, but was " + maxRestarts);
        }
        if (minRanks < 1) {
            throw new IllegalArgumentException("minRanks must be at least 1, but was " + minRanks);
        }
    }

    /** @throws IllegalArgumentException when there are fewer than 0 restarts or 1 rank */
    public RestartPolicy(int maxRestarts, int minRanks) {
        this(maxRestarts, minRanks, Duration.ofSeconds(1));
    }

    /**
     * Returns how long to wait before a restart.
     *
     * @param failuresInARow at least 1
     */
    Duration pause(int failuresInARow) {
        Duration doubled = firstPause.multipliedBy(1L << Math.min(failuresInARow - 1, MAX_DOUBLINGS));
        return doubled.compareTo(MAX_PAUSE) < 0 ? doubled : MAX_PAUSE;
    }

    /**
     * Returns the number of ranks of the next group.
     *
     * @param wanted number of the first group
     * @param failuresInARow at least 1
     */
    int ranks(int wanted, int failuresInARow) {
        return Math.max(Math.min(minRanks, wanted), wanted - (failuresInARow - 1));
    }
}
